"""What each transaction of a call costs: CPU of this process, and the statements it sends.

One process drives the store through the life of calls, as a worker and an API process would, with
no Temporal, no HTTP and nothing beside it. On SQLite the statements themselves are part of the CPU;
on PostgreSQL the server's part is not.

    python -m bench.stages [--rounds 10] [--postgresql] [--statements]

`--statements` prints the statements of each stage, in the order in which they were first sent.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event
from sqlmodel import Session

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import CallEnd, CallEvent, EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus
from outdial.intake.definition import read_definition_text
from outdial.store.call import events, settlement
from outdial.store.campaign import campaigns
from outdial.store.claims import fence, reservation
from outdial.store.lines.lines import LineLimits, ensure_lines
from tests.databases import InThread, postgresql_database, postgresql_server
from tests.drafts import read_roster
from tests.services.world import enroll_staged
from tests.staged import stage_drafts

CALLS = 60
"""Of a round: as many as one claim takes."""
LINE = "simulated"
STATUS = EventKind.STATUS
REPORTS: dict[str, dict[str, Any]] = {
    "webhook: ringing": {"status": CallStatus.RINGING},
    "webhook: answered": {"status": CallStatus.IN_PROGRESS, "answered_by": AnsweredBy.HUMAN},
    "webhook: ended": {"status": CallStatus.COMPLETED, "duration_seconds": 30.0},
    "webhook: analysed": {"kind": EventKind.ANALYSIS, "transcript": "Hello. " * 40, "cost": 0.1},
}


class Recorder:
    """Statements and CPU, by stage."""

    def __init__(self) -> None:
        self.statements: dict[str, Counter[str]] = defaultdict(Counter)
        self.cpu: dict[str, list[float]] = defaultdict(list)
        """Milliseconds of each transaction."""
        self._stage = ""
        event.listen(Engine, "before_cursor_execute", self._sent)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage, began = name, time.process_time_ns()
        yield
        self.cpu[name].append((time.process_time_ns() - began) / 1e6)
        self._stage = ""

    def _sent(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if self._stage:
            self.statements[self._stage][" ".join(statement.split())] += 1


class Life:
    """Calls of one campaign, from claim to settlement."""

    def __init__(self, database: InThread, recorder: Recorder, rounds: int) -> None:
        self._database, self._recorder = database, recorder
        self._now = datetime.now(UTC)
        self._campaign = self._launch(rounds * CALLS)

    def _launch(self, people: int) -> int:
        numbers = "\n".join(f"  - phone: '+1212{5550000 + n:07}'" for n in range(people))
        loaded = read_definition_text(
            "name: bench\npurpose: informational\nagent: bench\nline: simulated\n"
            f"pacing: {{max_concurrent: {CALLS}}}\n"
            f"schedule: {{hours: '00:00-24:00'}}\nrecipients:\n{numbers}\n",
            base=Path(),
        )

        def work(s: Session) -> int:
            limits = LineLimits(name=LINE, provider=LINE, max_concurrent=CALLS, per_second=1000)
            ensure_lines(s, "default", [limits])
            launched = campaigns.launch_campaign(
                s, "default", loaded.definition, loaded.source_text, now=self._now, again=False
            )
            stage_drafts(s, launched.record.id, 1, read_roster(loaded))
            for _ in range(-(-people // 500)):
                enroll_staged(s, launched.record.id)
            return launched.record.id

        return self._database.write_sync(work)

    def round(self, number: int) -> None:
        key = f"bench/{number}"
        claimed = self._claim(key)
        for call in claimed:
            self._place(call)
        for stage, facts in REPORTS.items():
            if stage == "webhook: analysed":
                for call in claimed:
                    self._end(call)
            for call in claimed:
                self._report(call, stage, facts)

    def _write(self, stage: str, work: Callable[[Session], object]) -> Any:
        with self._recorder.stage(stage):
            return self._database.write_sync(work)

    def _claim(self, key: str) -> tuple[ClaimedCall, ...]:
        claim = self._write(
            f"claim of {CALLS} calls",
            lambda s: reservation.claim_calls(s, self._campaign, key, now=self._now).claim,
        )
        assert len(claim.calls) == CALLS, claim
        return tuple(claim.calls)

    def _place(self, call: ClaimedCall) -> None:
        self._now += timedelta(milliseconds=10)
        self._write("placement: fence", lambda s: self._raise_fence(s, call))
        self._write(
            "placement: answer",
            lambda s: events.record_placed(s, call.call_id, f"p_{call.call_id}", now=self._now),
        )

    def _raise_fence(self, s: Session, call: ClaimedCall) -> None:
        fence.line_of(s, call.call_id)
        fence.raise_fence(s, call.call_id, now=self._now, placement_timeout=timedelta(seconds=20))

    def _report(self, call: ClaimedCall, stage: str, facts: dict[str, Any]) -> None:
        self._now += timedelta(milliseconds=10)
        reported = CallEvent(
            event_id=f"{stage}/{call.call_id}",
            call_id=call.call_id,
            provider_call_id=f"p_{call.call_id}",
            at=self._now,
            **facts,
        )
        self._write(stage, lambda s: events.store_events(s, LINE, [reported], now=self._now))

    def _end(self, call: ClaimedCall) -> None:
        end = CallEnd(
            status=CallStatus.COMPLETED,
            at=self._now,
            may_have_rung=True,
            answered_by=AnsweredBy.HUMAN,
            duration_seconds=30.0,
            analysis_wait=timedelta(seconds=30),
        )
        self._write("end", lambda s: settlement.end_call(s, call.call_id, end, now=self._now))


def show(recorder: Recorder, rounds: int, *, statements: bool) -> None:
    table = Table(title="Each transaction of a call: milliseconds of CPU, and statements")
    for column in ("stage", "median", "quickest", "statements"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    middle, quickest, sent = 0.0, 0.0, 0.0
    for stage, cpu in recorder.cpu.items():
        number = sum(recorder.statements[stage].values()) / len(cpu)
        table.add_row(stage, f"{median(cpu):.2f}", f"{min(cpu):.2f}", f"{number:.1f}")
        share = len(cpu) / (rounds * CALLS)
        middle, quickest = middle + median(cpu) * share, quickest + min(cpu) * share
        sent += number * share
    table.add_row("one call", f"{middle:.2f}", f"{quickest:.2f}", f"{sent:.1f}")
    console = Console(width=150)
    console.print(table)
    if statements:
        for stage, counted in recorder.statements.items():
            console.print(f"\n{stage}")
            for text, times in counted.items():
                console.print(f"  {times / len(recorder.cpu[stage]):.2f}  {text}", highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--statements", action="store_true")
    options = parser.parse_args()
    with ExitStack() as opened:
        if options.postgresql:
            url = opened.enter_context(
                postgresql_database(opened.enter_context(postgresql_server()))
            )
        else:
            folder = opened.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{folder}/outdial.db"
        database = InThread(url)
        opened.callback(database.dispose)
        database.migrate()
        recorder = Recorder()
        life = Life(database, recorder, options.rounds)
        for number in range(options.rounds):
            life.round(number)
        show(recorder, options.rounds, statements=options.statements)


if __name__ == "__main__":
    main()
