"""Reads how far launches and additions are whose recipients are being written."""

from __future__ import annotations

from dataclasses import dataclass

from outdial.domain.record import StagingRecord
from outdial.intake.problems import Problem, problem_lines
from outdial.resources.resources import Resources
from outdial.services.errors import NotFound
from outdial.store.roster import staging


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
