"""What a plan is made of: a definition, its rows as they are now, and what the database knows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fingerprint import PlanFingerprint, content_hash, definition_hash
from outdial.domain.definition.source import CsvSource
from outdial.domain.enrolled import EnrolledRecipient
from outdial.domain.money.spending import EarlierSpending, budget_day
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.location import LocatedDraft
from outdial.domain.rules.zone import zone_data
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.contacts.unmapped import column_notes, count_past, past_notes
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList
from outdial.providers.lines import Lines
from outdial.rehearsal.fate import PeopleSource
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.resources.resources import Resources
from outdial.services.accounts.rights import require_for_definition
from outdial.services.campaigns.rehearsing import on_carrying_lines, rehearsal_of, with_records
from outdial.services.campaigns.revisions import on_present_lines
from outdial.services.errors import PlanTooLarge
from outdial.services.operations.reading import record_with_progress
from outdial.store.budget.totals import read_use
from outdial.store.campaign import campaigns, revisions
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.roster.enrolled import read_enrolled

_BLOCK = 1 << 20
_STEP = 1000
"""Rows that are looked for in one transaction."""


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows of a roster that can't be called as they are written. A launch is refused with them."""

    rows: int
    problems: tuple[Problem, ...]
    """In the order of the rows; the first thousand."""
    omitted: int

    def __bool__(self) -> bool:
        return bool(self.problems or self.omitted)


@dataclass(frozen=True, slots=True)
class LaunchedCampaign:
    """The campaign that has a definition's name."""

    record: CampaignRecord
    definition: CampaignDefinition
    """Of its present revision."""


@dataclass(frozen=True)
class PlanInput:
    """A definition on its lines, with its roster."""

    loaded: LoadedDefinition
    rehearsal: Rehearsal
    """Of the rows that are not rejected."""
    rejected: RejectedRows
    contents: str
    """SHA-256 of the recipients as they are written."""
    before: LaunchedCampaign | None = None
    """The campaign of that name, if it was launched before."""
    rules: str | None = None
    """The version of the calling rules when it was read, whenever the campaign starts; None: that
    of the rehearsal's."""
    notes: tuple[str, ...] = ()
    """What is no problem, and probably not what was meant."""

    @property
    def fingerprint(self) -> PlanFingerprint:
        return _fingerprint(
            self.loaded,
            self.contents,
            self.rehearsal.rulebook.key if self.rules is None else self.rules,
            None if self.before is None else self.before.record,
        )


async def find_launched(ctx: Resources, name: str) -> LaunchedCampaign | None:
    """The campaign of a name with its present definition; None: it was never launched."""

    def work(s: Session) -> LaunchedCampaign | None:
        record = campaigns.find_campaign(s, ctx.tenant, name)
        if record is None:
            return None
        definition = revisions.definition_at(s, record.id, record.revision)
        return None if definition is None else LaunchedCampaign(record, definition)

    return await ctx.database.read(work)


def read_plan_input(
    lines: Lines,
    loaded: LoadedDefinition,
    start: datetime,
    people: PeopleSource | None = None,
    before: LaunchedCampaign | None = None,
) -> PlanInput:
    """Read a definition and its roster for a launch at `start` on one tenant's lines, or for the
    campaign that goes on.

    Rows that have problems are left out. Raises UnknownLine, and DefinitionInvalid for what a line
    does not carry and for a roster of which nothing can be read.
    """
    loaded = _on_lines(lines, loaded, before)
    contents = contents_hash(loaded)
    drafts, rejected = _read_roster(loaded)
    if rejected and not drafts:
        raise DefinitionInvalid(rejected.problems, rejected.omitted)
    if contents_hash(loaded) != contents:
        message = "found another content while it was read; try again when nobody writes it"
        path = ("recipients", "csv")
        raise DefinitionInvalid([loaded.source_map.problem(path, "file_changed", message)])
    rehearsal = rehearsal_of(lines, loaded, drafts, start, people)
    notes = (*column_notes(loaded), *past_notes(count_past(drafts, start)))
    return PlanInput(loaded, rehearsal, rejected, contents, before, notes=notes)


def _on_lines(
    lines: Lines, loaded: LoadedDefinition, before: LaunchedCampaign | None
) -> LoadedDefinition:
    """The definition on its lines; one that names none leaves a campaign on those it has."""
    if before is not None and not before.record.state.over:
        loaded = on_present_lines(loaded, before.definition)
    return on_carrying_lines(lines, loaded)


async def with_database(ctx: Resources, given: PlanInput) -> PlanInput:
    """The same, with what the database knows: rules, suppressed numbers, earlier calls, and how far
    the campaign has got that goes on."""
    rehearsal = await with_records(ctx, given.rehearsal)
    present = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, ctx.clock()))
    given = replace(given, rehearsal=rehearsal, rules=present.key)
    if given.before is None:
        return given
    record, plan = given.before.record, rehearsal.plan
    budget = plan.budget or record.plan.budget
    currency = None if budget is None else budget.currency
    if not record.state.over:
        enrolled = await _enrolled(ctx, record, rehearsal.drafts, currency)
        rehearsal = replace(rehearsal, enrolled=enrolled)
    if currency is not None:
        spending = await _spending(ctx, record, rehearsal, currency)
        rehearsal = replace(rehearsal, before=replace(rehearsal.before, spending=spending))
    return replace(given, rehearsal=rehearsal)


async def _spending(
    ctx: Resources, record: CampaignRecord, rehearsal: Rehearsal, currency: str
) -> EarlierSpending:
    """What is used of the budget. A new launch has nothing but that of the day used."""
    day, _ = budget_day(rehearsal.plan, rehearsal.start)
    launch = record.launch + 1 if record.state.over else record.launch
    of_launch, of_day = await ctx.database.read(
        lambda s: read_use(s, record.id, launch, day, currency)
    )
    rehearsed = {
        position: each.spending for position, each in rehearsal.enrolled.items() if not each.done
    }
    again = sum(each.reserved for each in rehearsed.values())
    return EarlierSpending(
        currency=currency,
        launch=of_launch.spent + max(0, of_launch.reserved - again),
        day=day,
        of_day=of_day.spent + max(0, of_day.reserved - again),
        people={position: each.spent for position, each in rehearsed.items() if each.spent},
    )


async def _enrolled(
    ctx: Resources, record: CampaignRecord, drafts: Sequence[LocatedDraft], currency: str | None
) -> dict[int, EnrolledRecipient]:
    listed = frozenset(draft.phone for draft in drafts)
    enrolled: dict[int, EnrolledRecipient] = {}
    for start in range(0, len(drafts), _STEP):
        rows = [draft for draft in drafts[start : start + _STEP] if draft.refusal is None]
        enrolled |= await ctx.database.read(
            lambda s, rows=rows: read_enrolled(s, record, rows, listed, currency)  # type: ignore[misc]
        )
    return enrolled


async def present_fingerprint(
    ctx: Resources, lines: Lines, loaded: LoadedDefinition
) -> PlanFingerprint:
    """What a plan of a definition would be bound to now. Raises UnknownLine, DefinitionInvalid."""
    before = await find_launched(ctx, loaded.definition.name)
    loaded = _on_lines(lines, loaded, before)
    contents = await asyncio.to_thread(contents_hash, loaded)
    rulebook = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, ctx.clock()))
    return _fingerprint(loaded, contents, rulebook.key, None if before is None else before.record)


def _fingerprint(
    loaded: LoadedDefinition, contents: str, rules: str, record: CampaignRecord | None
) -> PlanFingerprint:
    return PlanFingerprint(
        definition=definition_hash(loaded.definition),
        recipients=contents,
        rules=rules,
        zones=zone_data(),
        campaign=None if record is None else f"{record.launch}/{record.revision}",
    )


async def read_with_database(
    ctx: Resources,
    loaded: LoadedDefinition,
    start: datetime,
    *,
    scopes: tuple[str, ...] | None = None,
    at_most: int | None = None,
) -> PlanInput:
    """Read a definition and its roster on the tenant's lines, with what the database knows.

    `scopes` are those of the key that sent it; without, it is the operator's own. Raises
    ScopeMissing, PlanTooLarge where its rows and the campaign's recipients are more than `at_most`,
    and what `read_plan_input` does.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    before = await find_launched(ctx, loaded.definition.name)
    on_its_lines = _on_lines(lines, loaded, before)
    await require_for_definition(ctx, scopes, on_its_lines.definition)
    if at_most is not None:
        await _require_small(ctx, loaded, before, at_most)
    given = await asyncio.to_thread(read_plan_input, lines, loaded, start, None, before)
    return await with_database(ctx, given)


async def _require_small(
    ctx: Resources, loaded: LoadedDefinition, before: LaunchedCampaign | None, at_most: int
) -> None:
    source = loaded.definition.recipients
    rows = 0 if isinstance(source, CsvSource) else len(source)
    if before is not None and not before.record.state.over:
        _, progress = await record_with_progress(ctx, before.record.name)
        rows += progress.recipients
    if rows > at_most:
        raise PlanTooLarge(rows, at_most)


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
