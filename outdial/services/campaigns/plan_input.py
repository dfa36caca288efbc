"""What a plan is made of: a definition, its rows as they are now, and what the database knows."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from outdial.domain.definition.fingerprint import PlanFingerprint, content_hash, definition_hash
from outdial.domain.definition.source import CsvSource
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import zone_data
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList
from outdial.providers.lines import Lines
from outdial.rehearsal.fate import PeopleSource
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.resources.resources import Resources
from outdial.services.accounts.rights import require_for_definition
from outdial.services.campaigns.line_check import on_lines
from outdial.services.campaigns.rehearsing import on_carrying_lines, rehearsal_of, with_records
from outdial.store.campaign import campaigns

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows of a roster that can't be called as they are written. A launch is refused with them."""

    rows: int
    problems: tuple[Problem, ...]
    """In the order of the rows; the first thousand."""
    omitted: int

    def __bool__(self) -> bool:
        return bool(self.problems or self.omitted)


@dataclass(frozen=True)
class PlanInput:
    """A definition on its lines, with its roster."""

    loaded: LoadedDefinition
    rehearsal: Rehearsal
    """Of the rows that are not rejected."""
    rejected: RejectedRows
    contents: str
    """SHA-256 of the recipients as they are written."""
    campaign: CampaignRecord | None = None
    """The campaign of that name, if it was launched before."""

    @property
    def fingerprint(self) -> PlanFingerprint:
        before = self.campaign
        return PlanFingerprint(
            definition=definition_hash(self.loaded.definition),
            recipients=self.contents,
            rules=self.rehearsal.rulebook.key,
            zones=zone_data(),
            campaign=None if before is None else f"{before.launch}/{before.revision}",
        )


def read_plan_input(
    lines: Lines, loaded: LoadedDefinition, start: datetime, people: PeopleSource | None = None
) -> PlanInput:
    """Read a definition and its roster for a launch at `start` on one tenant's lines.

    Rows that have problems are left out. Raises UnknownLine, and DefinitionInvalid for what a line
    does not carry and for a roster of which nothing can be read.
    """
    loaded = on_carrying_lines(lines, loaded)
    contents = contents_hash(loaded)
    drafts, rejected = _read_roster(loaded)
    if rejected and not drafts:
        raise DefinitionInvalid(rejected.problems, rejected.omitted)
    if contents_hash(loaded) != contents:
        message = "found another content while it was read; try again when nobody writes it"
        path = ("recipients", "csv")
        raise DefinitionInvalid([loaded.source_map.problem(path, "file_changed", message)])
    return PlanInput(loaded, rehearsal_of(lines, loaded, drafts, start, people), rejected, contents)


async def with_database(ctx: Resources, given: PlanInput) -> PlanInput:
    """The same, with what the database knows: rules, suppressed numbers, earlier calls, and the
    campaign of that name."""
    name = given.loaded.definition.name
    rehearsal = await with_records(ctx, given.rehearsal)
    record = await ctx.database.read(lambda s: campaigns.find_campaign(s, ctx.tenant, name))
    return replace(given, rehearsal=rehearsal, campaign=record)


async def read_with_database(
    ctx: Resources, loaded: LoadedDefinition, start: datetime, *, scopes: tuple[str, ...]
) -> PlanInput:
    """Read a definition and its roster on the tenant's lines, with what the database knows.

    `scopes` are those of the key that sent it. Raises ScopeMissing, and what `read_plan_input`
    does.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    loaded = on_lines(lines, loaded)
    await require_for_definition(ctx, scopes, loaded.definition)
    given = await asyncio.to_thread(read_plan_input, lines, loaded, start)
    return await with_database(ctx, given)


def contents_hash(loaded: LoadedDefinition) -> str:
    """SHA-256 of a definition's recipients: of the contact file's bytes, or of the list."""
    source = loaded.definition.recipients
    if not isinstance(source, CsvSource):
        return content_hash([each.model_dump(mode="json") for each in source])
    return "" if loaded.base is None else _file_hash(loaded.base / source.csv)


def _file_hash(path: Path) -> str:
    """Of a file that can't be read: nothing; reading its rows says why."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def _read_roster(loaded: LoadedDefinition) -> tuple[list[LocatedDraft], RejectedRows]:
    drafts, problems, rows = list[LocatedDraft](), ProblemList(), 0
    with closing(read_chunks(loaded)) as chunks:
        for chunk in chunks:
            rows += chunk.rows
            problems.extend(chunk.problems)
            problems.omitted += chunk.omitted
            # What the agent is given changes no decision.
            drafts += [draft._replace(variables={}) for draft in chunk.recipients]
    return drafts, RejectedRows(rows - len(drafts), tuple(problems), problems.omitted)
