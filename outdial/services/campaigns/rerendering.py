"""Renders the variables of a campaign's people again, from the values that are kept of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.domain.rules.location import LocatedDraft
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, ProblemList
from outdial.intake.templates.templates import ProblemKey, TemplateSet
from outdial.resources.resources import Resources
from outdial.store.roster.kept import KeptPerson, read_open_people
from outdial.store.roster.rows import ReadSoFar, write_chunk

CHUNK_ROWS = 1000
_NOT_KEPT = frozenset({"time_zone", "postal_code", "state"})
"""Values of a contact that templates may use, and that are kept in another form."""


async def stage_rendered(
    ctx: Resources,
    record: CampaignRecord,
    of: StagingRecord,
    present: CampaignDefinition,
    loaded: LoadedDefinition,
) -> int:
    """Write everybody of the present launch who is not done as a row of a staging, with variables
    by the templates of another definition; how many they are.

    Raises DefinitionInvalid where a template uses what is not kept, or fails.
    """
    rendering = _Rendering(present, loaded)
    written = 0
    async for people in _pages(ctx, record):
        drafts = await asyncio.to_thread(rendering.render, people)
        if len(rendering.problems):
            continue  # all are found
        written += len(drafts)
        await _write(ctx, record, of, drafts, written)
    if len(rendering.problems):
        raise DefinitionInvalid(rendering.problems, rendering.problems.omitted)
    return written


async def _write(
    ctx: Resources,
    record: CampaignRecord,
    of: StagingRecord,
    drafts: Sequence[LocatedDraft],
    written: int,
) -> None:
    now, so_far = ctx.clock(), ReadSoFar(written)
    await ctx.database.write_in_turn(
        lambda s: write_chunk(s, of, record.plan.line, drafts, so_far, now=now)
    )


async def _pages(ctx: Resources, record: CampaignRecord) -> AsyncIterator[Sequence[KeptPerson]]:
    after: int | None = -1
    while after is not None:
        last = after
        people, after = await ctx.database.read(
            lambda s, last=last: read_open_people(s, record, last, CHUNK_ROWS)  # type: ignore[misc]
        )
        if people:
            yield people


class _Rendering:
    """Templates, over the values that people came with."""

    def __init__(self, present: CampaignDefinition, loaded: LoadedDefinition) -> None:
        self.problems = ProblemList()
        self._loaded = loaded
        self._templates = TemplateSet(loaded.definition.variables, loaded.source_map)
        self._rendered = frozenset(present.variables)
        self._reported: set[ProblemKey] = set()
        self._needs_phone = "phone" in self._templates.needs
        for name in sorted(self._templates.needs & (_NOT_KEPT | self._rendered)):
            kept = "is rendered itself" if name in self._rendered else "is not kept as it came"
            self._problem(
                f"found {name}, which {kept}; apply the file together with its recipients"
            )

    def render(self, people: Sequence[KeptPerson]) -> list[LocatedDraft]:
        return [self._draft(each) for each in people]

    def _draft(self, person: KeptPerson) -> LocatedDraft:
        own = {k: v for k, v in person.variables.items() if k not in self._rendered}
        if self._needs_phone and person.alternate_phones:
            self._problem(
                f"found phone, and recipient {person.position} has several numbers; "
                "apply the file together with its recipients"
            )
        rendered = self._templates.render(
            own | {"phone": person.phone},
            lambda: f"recipient {person.position}",
            self._reported,
        )
        self.problems.extend(problem for problem, _ in rendered.problems)
        return LocatedDraft(
            position=person.position,
            phone=person.phone,
            alternate_phones=person.alternate_phones,
            zones=person.zones,
            refusal=None,
            consent=person.consent,
            variables=own | rendered.texts,
        )

    def _problem(self, message: str) -> None:
        self.problems.add(
            self._loaded.source_map.problem(("variables",), "value_not_kept", message)
        )
