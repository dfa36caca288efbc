"""Rehearses a campaign file: the whole campaign in virtual time, once for each seed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from outdial.domain.call.plan import CallPlan
from outdial.domain.decision.ceiling import WITHIN
from outdial.domain.numbers.phone import mask_phone, siblings, subscriber
from outdial.domain.rules.location import LocatedDraft
from outdial.intake.contacts.chunks import read_chunks
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, ProblemList
from outdial.providers.lines import Lines
from outdial.rehearsal.deciding import furthest_back
from outdial.rehearsal.fate import Modeled, PeopleSource
from outdial.rehearsal.lines import LineSetup
from outdial.rehearsal.memory import Before
from outdial.rehearsal.outcome import Outcome, RunFigures
from outdial.rehearsal.people import GUESSES
from outdial.rehearsal.rehearsal import Rehearsal
from outdial.rehearsal.roster import RosterReader
from outdial.rehearsal.waits import Step, Trace
from outdial.resources.resources import Resources
from outdial.services.campaigns.line_check import on_lines, unsupported
from outdial.services.campaigns.rehearsal_processes import Interruption, run_beside
from outdial.services.errors import NoSuchPerson
from outdial.store.call.earlier import earlier_attempts, earlier_placements
from outdial.store.claims.ceiling import ceiling_of
from outdial.store.claims.ledger import counts_since
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.compliance.suppressions import suppressed_among

MOST_PROCESSES = 8
_STEP = 5_000
"""Numbers whose records are read in one transaction."""


@dataclass(frozen=True, slots=True)
class RehearsalProgress:
    """How far a rehearsal is."""

    done: int
    """Runs that have ended."""
    runs: int
    at: datetime | None = None
    """The virtual time of a run under way, where it is known."""


Progress = Callable[[RehearsalProgress], None]


def read_rehearsal(
    lines: Lines, loaded: LoadedDefinition, start: datetime, people: PeopleSource | None = None
) -> Rehearsal:
    """Read the roster of a definition that would be launched at `start` on one tenant's lines.
    Without `people`, they are those that ship: guesses.

    Nothing is known of earlier calls, nor of suppressed numbers. Raises UnknownLine, and
    DefinitionInvalid with every problem of the roster.
    """
    loaded = on_carrying_lines(lines, loaded)
    return rehearsal_of(lines, loaded, _drafts(loaded), start, people)


def on_carrying_lines(lines: Lines, loaded: LoadedDefinition) -> LoadedDefinition:
    """The definition on its lines. Raises UnknownLine, and DefinitionInvalid for what one of them
    does not carry."""
    loaded = on_lines(lines, loaded)
    dropped = unsupported(lines, loaded)
    if dropped:
        raise DefinitionInvalid(dropped)
    return loaded


def rehearsal_of(
    lines: Lines,
    loaded: LoadedDefinition,
    drafts: Sequence[LocatedDraft],
    start: datetime,
    people: PeopleSource | None = None,
) -> Rehearsal:
    """The rehearsal of a definition that is on its lines, with these recipients."""
    plan = CallPlan.of(loaded.definition)
    return Rehearsal(
        name=loaded.definition.name,
        plan=plan,
        drafts=tuple(drafts),
        lines=tuple(_setup(lines, share.name) for share in plan.shares),
        start=start,
        people=people or Modeled(GUESSES),
    )


def _drafts(loaded: LoadedDefinition) -> list[LocatedDraft]:
    drafts, problems = list[LocatedDraft](), ProblemList()
    with closing(read_chunks(loaded)) as chunks:
        for chunk in chunks:
            problems.extend(chunk.problems)
            problems.omitted += chunk.omitted
            # What the agent is given changes no decision.
            drafts += [draft._replace(variables={}) for draft in chunk.recipients]
    if len(problems):
        raise DefinitionInvalid(problems, problems.omitted)
    return drafts


def _setup(lines: Lines, name: str) -> LineSetup:
    line = lines[name]
    return LineSetup(
        name=name,
        max_concurrent=line.policy.max_concurrent,
        per_second=line.policy.per_second,
        breaker=line.policy.breaker,
        simulated=line.simulated,
        price=line.policy.price,
    )


async def with_records(ctx: Resources, rehearsal: Rehearsal) -> Rehearsal:
    """The same, with what the database knows of its people: the tenant's own rules and blocks,
    numbers that must not be called, and earlier calls. Slots are waited for as its workers do."""

    start = rehearsal.start
    rulebook = await ctx.database.read(lambda s: read_rulebook(s, ctx.tenant, start))

    def to_read() -> tuple[list[str], timedelta | None]:
        people = RosterReader().people(rehearsal.drafts)
        return numbers_of(rehearsal.drafts), furthest_back(rehearsal.plan, rulebook, people)

    numbers, looks_back = await asyncio.to_thread(to_read)
    steps = list[Before]()
    for at in range(0, max(1, len(numbers)), _STEP):
        step = numbers[at : at + _STEP]
        steps.append(
            await ctx.database.read(
                lambda s, step=step: read_before(s, ctx.tenant, step, start, looks_back)  # type: ignore[misc]
            )
        )
    return replace(rehearsal, rulebook=rulebook, before=_joined(steps), linger=ctx.claim_linger)


def _joined(steps: Sequence[Before]) -> Before:
    """Of different numbers."""
    return Before(
        attempts={phone: at for step in steps for phone, at in step.attempts.items()},
        placements={phone: at for step in steps for phone, at in step.placements.items()},
        suppressed={phone: why for step in steps for phone, why in step.suppressed.items()},
        daily_ceiling=steps[0].daily_ceiling,
    )


def numbers_of(drafts: Iterable[LocatedDraft]) -> list[str]:
    """All numbers of a roster, in every form in which they may be stored."""
    return sorted(
        {
            form
            for draft in drafts
            for phone in (draft.phone, *draft.alternate_phones)
            for form in siblings(phone)
        }
    )


def read_before(
    s: Session,
    tenant: str,
    numbers: Sequence[str],
    start: datetime,
    looks_back: timedelta | None,
) -> Before:
    """What a database knows of numbers that are called from `start` on by limits that look back so
    far; None: to the beginning."""
    since = counts_since(looks_back, start)
    asks = looks_back != timedelta(0)
    return Before(
        attempts=earlier_attempts(s, tenant, numbers, since) if asks else {},
        placements=earlier_placements(s, numbers, start - WITHIN),
        suppressed=suppressed_among(s, tenant, numbers),
        daily_ceiling=ceiling_of(s),
    )


def rehearse(
    rehearsal: Rehearsal,
    seeds: Sequence[int],
    *,
    progress: Progress | None = None,
    interruption: Interruption | None = None,
) -> Outcome:
    """Run a rehearsal once for each seed, several beside each other. Raises RehearsalFailed."""
    interruption = interruption or Interruption()
    if len(seeds) == 1:
        return Outcome((_run_here(rehearsal, seeds[0], progress, interruption),))
    runs = list[RunFigures]()

    def at_time(at: datetime) -> None:
        if progress is not None:
            progress(RehearsalProgress(len(runs), len(seeds), at))

    beside = run_beside(rehearsal, seeds, _processes(len(seeds)), interruption, at_time)
    with closing(beside) as figures:
        for run in figures:
            runs.append(run)
            if progress is not None:
                progress(RehearsalProgress(len(runs), len(seeds)))
    return Outcome(tuple(runs))


def _run_here(
    rehearsal: Rehearsal, seed: int, progress: Progress | None, interruption: Interruption
) -> RunFigures:
    def at_claim(at: datetime) -> None:
        interruption.check()
        if progress is not None:
            progress(RehearsalProgress(0, 1, at))

    return rehearsal.run(seed, progress=at_claim)


def _processes(runs: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(runs, cores or 1, MOST_PROCESSES))


def trace_recipient(
    rehearsal: Rehearsal, seed: int, number: str, interruption: Interruption
) -> list[Step]:
    """Every step of the recipient with a number (E.164), in one run. Raises NoSuchPerson,
    RehearsalFailed."""
    trace = Trace(_position_of(rehearsal, number))
    rehearsal.run(seed, trace=trace, progress=lambda _at: interruption.check())
    return trace.steps


def _position_of(rehearsal: Rehearsal, phone: str) -> int:
    named = subscriber(phone)
    for draft in rehearsal.drafts:
        if named in map(subscriber, (draft.phone, *draft.alternate_phones)):
            return draft.position
    raise NoSuchPerson(rehearsal.name, mask_phone(phone))
