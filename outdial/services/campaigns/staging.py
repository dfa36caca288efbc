"""Reads the roster of a launch or an addition once, and writes its recipients in short transactions
under a launch number that nothing reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from outdial.domain.call.plan import CallPlan
from outdial.domain.errors import OutdialError
from outdial.domain.record import StagingRecord, StagingState
from outdial.intake.contacts.chunks import RosterChunk, read_chunks
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid, Problem, ProblemList, problem_lines
from outdial.resources.resources import Resources
from outdial.services.errors import ChangeRefused, NotFound
from outdial.store.claims.reschedule import FirstDue
from outdial.store.db.errors import DatabaseUnavailable, StagingEnded
from outdial.store.roster import flip, rows, staging
from outdial.store.roster.rows import at_once

log = logging.getLogger(__name__)

CHUNK_ROWS = 1000
"""Recipients written in one transaction: other writers wait for no more than that."""
SIGN_OF_LIFE_EVERY = timedelta(seconds=5)
"""A sixth of the time after which somebody without one is given up."""
PROBLEMS_NOTED_EVERY = timedelta(seconds=1)

Progress = Callable[[StagingRecord], None]
"""Gets the record when it begins, and after each chunk as far as this process knows it."""


@dataclass(frozen=True)
class Staging:
    """A launch or an addition, and every problem found so far."""

    record: StagingRecord
    problems: tuple[Problem, ...]
    omitted: int
    """Problems beyond those kept."""

    @classmethod
    def of(cls, record: StagingRecord) -> Staging:
        problems = tuple(Problem(**each) for each in record.problems)
        return cls(record, problems, record.problem_count - len(problems))

    def lines(self) -> list[str]:
        """One line a problem, and `and N more` at the end when some were not kept."""
        return problem_lines(self.problems, self.omitted)


async def read_staging(ctx: Resources, public_id: str) -> Staging:
    """A launch or an addition of the tenant, for a day after its end. Raises NotFound."""
    record = await ctx.database.read(lambda s: staging.find_staging(s, ctx.tenant, public_id))
    if record is None:
        raise NotFound("launch", public_id)
    return Staging.of(record)


async def follow_staging(ctx: Resources, public_id: str) -> Staging:
    """`read_staging`, but one whose writer has died is refused first, so that it can't go on after
    it was shown as over. Raises NotFound."""
    shown = await read_staging(ctx, public_id)
    record, now = shown.record, ctx.clock()
    if record.state is not StagingState.STAGING or not staging.is_abandoned(record, now):
        return shown
    await _refuse_abandoned(ctx, record, now)
    return await read_staging(ctx, public_id)


async def cancel_staging(ctx: Resources, public_id: str) -> Staging:
    """Refuse a launch or an addition that is being written; its writer, or the maintenance loop,
    removes what was. Raises NotFound, and ChangeRefused for one that has been decided."""
    record = (await read_staging(ctx, public_id)).record
    now = ctx.clock()
    canceled = await ctx.database.write(
        lambda s: staging.refuse(
            s, record, now=now, error=staging.CANCELED, code=staging.CANCELED_CODE
        )
    )
    if not canceled:
        raise ChangeRefused(f"the {record.kind} {public_id} can't be canceled: it is not staging")
    return await read_staging(ctx, public_id)


@dataclass
class StagingWriter:
    """Writes one roster. Memory does not grow with it, but for the set of its numbers."""

    ctx: Resources
    record: StagingRecord
    line: str
    """The campaign's first line."""
    progress: Progress | None = None
    plan: CallPlan | None = None
    """The plan of a launch, by whose hours its recipients are due. That of a campaign which runs
    may change before an addition is accepted: its recipients are due at once."""
    _problems: ProblemList = field(default_factory=ProblemList)
    _rows: int = 0
    _written: int = 0
    _ended: StagingEnded | None = None
    """Set once somebody else has ended it."""

    async def write(
        self, loaded: LoadedDefinition, count: Callable[[RosterChunk], None] | None = None
    ) -> int:
        """Write all recipients, and have `count` count them; how many there are.

        Behind a problem nothing more is written, but all other problems are found. Raises
        DefinitionInvalid with all of them, StagingEnded.
        """
        async with self._showing_life(), reading(loaded) as chunks:
            async for chunk in chunks:
                await self._take(chunk)
                if count is not None:
                    count(chunk)
        if len(self._problems):
            await self._note()
            raise DefinitionInvalid(self._problems, self._problems.omitted)
        return self._written

    @cached_property
    def _due(self) -> Callable[[str], datetime]:
        """When recipients are due, by their zones."""
        return at_once if self.plan is None else FirstDue(self.plan, self.ctx.clock())

    async def _take(self, chunk: RosterChunk) -> None:
        if self._ended is not None:
            raise self._ended
        self._rows += chunk.rows
        self._problems.extend(chunk.problems)
        self._problems.omitted += chunk.omitted
        if len(self._problems):
            return
        now, so_far = self.ctx.clock(), rows.ReadSoFar(self._rows)
        await self.ctx.database.write_in_turn(
            lambda s: rows.write_chunk(
                s, self.record, self.line, chunk.recipients, so_far, now=now, first_due=self._due
            )
        )
        self._written += len(chunk.recipients)
        self._show()

    async def _note(self) -> None:
        """Store how far it is. Raises StagingEnded."""
        kept = [asdict(problem) for problem in self._problems]
        so_far = rows.ReadSoFar(self._rows, kept or None, len(self._problems))
        now = self.ctx.clock()
        await self.ctx.database.write(lambda s: rows.note_progress(s, self.record, so_far, now=now))
        self._show()

    def _show(self) -> None:
        if self.progress is None:
            return
        counts = {"rows_read": self._rows, "recipients": self._written}
        counts |= {"problem_count": len(self._problems)}
        self.progress(self.record.model_copy(update={**counts, "updated_at": self.ctx.clock()}))

    @asynccontextmanager
    async def _showing_life(self) -> AsyncIterator[None]:
        """Note every few seconds how far it is, so that others do not give it up; more often once
        there are problems, for then no chunk shows it."""

        async def show() -> None:
            while True:
                every = PROBLEMS_NOTED_EVERY if len(self._problems) else SIGN_OF_LIFE_EVERY
                await asyncio.sleep(every.total_seconds())
                try:
                    with suppress(DatabaseUnavailable):
                        await self._note()
                except StagingEnded as error:
                    self._ended = error
                    return

        task = asyncio.create_task(show())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def reading(loaded: LoadedDefinition) -> AsyncIterator[AsyncIterator[RosterChunk]]:
    """The chunks of a roster, each read in a thread while the one before is made use of."""
    reader = ThreadPoolExecutor(1, "roster")
    chunks = read_chunks(loaded, size=CHUNK_ROWS)

    async def ahead() -> AsyncIterator[RosterChunk]:
        loop = asyncio.get_running_loop()
        following = loop.run_in_executor(reader, next, chunks, None)
        while (chunk := await following) is not None:
            following = loop.run_in_executor(reader, next, chunks, None)
            yield chunk

    try:
        yield ahead()
    finally:
        reader.submit(chunks.close)
        reader.shutdown(wait=False)


@asynccontextmanager
async def given_up_on_error(ctx: Resources, record: StagingRecord) -> AsyncIterator[None]:
    """Refuse a launch or an addition for whatever is raised meanwhile, and remove what it wrote.

    What cannot be removed now, the next launch of that name removes, or the maintenance loop.
    """
    try:
        yield
    except BaseException as error:
        with suppress(DatabaseUnavailable):
            await asyncio.shield(_refuse(ctx, record, *_reason(error)))
            if isinstance(error, Exception):
                await remove_refused(ctx, record)
        raise


def _reason(error: BaseException) -> tuple[str | None, str]:
    """Why a launch is refused, in words and as a code; problems are words enough."""
    if isinstance(error, DefinitionInvalid):
        return None, error.code
    if isinstance(error, OutdialError):
        return str(error), error.code
    return staging.INTERRUPTED, staging.INTERRUPTED_CODE


async def _refuse(ctx: Resources, record: StagingRecord, error: str | None, code: str) -> None:
    now = ctx.clock()
    await ctx.database.write(lambda s: staging.refuse(s, record, now=now, error=error, code=code))


async def clear_abandoned(ctx: Resources, record: StagingRecord) -> bool:
    """Give up one whose writer has died, and remove or move what it wrote; False if it is alive."""
    now = ctx.clock()
    if not staging.is_abandoned(record, now):
        return False
    if record.state is StagingState.MOVING:
        await move_accepted(ctx, record)
        return True
    await _refuse_abandoned(ctx, record, now)
    await remove_refused(ctx, record)
    return True


async def _refuse_abandoned(ctx: Resources, record: StagingRecord, now: datetime) -> None:
    await ctx.database.write(
        lambda s: staging.refuse(
            s,
            record,
            now=now,
            error=staging.INTERRUPTED,
            code=staging.INTERRUPTED_CODE,
            idle_since=now - staging.ABANDONED_AFTER,
        )
    )


async def remove_refused(ctx: Resources, record: StagingRecord) -> None:
    """Remove what a refused one wrote, in short transactions; nothing of one that is not."""
    while await ctx.database.write_in_turn(
        lambda s: staging.remove_some(s, record, now=ctx.clock())
    ):
        pass


async def move_accepted(ctx: Resources, record: StagingRecord) -> None:
    """Give the recipients of an accepted addition to its launch, in short transactions."""
    while await ctx.database.write_in_turn(lambda s: flip.move_some(s, record, now=ctx.clock())):
        pass
