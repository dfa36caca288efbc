"""The life of calls against the database alone: one process of several, without Temporal.

Each process claims for its campaign, as one activity does, and has a number of calls under way at
once, as a worker and an API process do together: read, placement fence, placed, three reports, the
end with its settlement. A thread of its own delivers what the outbox of its endpoint has, without
sending it.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier, Event
from typing import Any, TypeVar

from sqlalchemy import event
from sqlmodel import Session

from outdial.domain.call.claim import ClaimedCall, FenceVerdict
from outdial.domain.call.event import CallEnd, CallEvent
from outdial.domain.call.status import CallStatus
from outdial.domain.endpoint import DeliveryAttempt
from outdial.store.call import calls, events, settlement
from outdial.store.claims.fence import raise_fence
from outdial.store.claims.reservation import claim_calls
from outdial.store.db.database import Database
from outdial.store.webhooks import deliveries, outstanding
from outdial.store.webhooks.deliveries import Outcome
from tests.databases import InThread

T = TypeVar("T")
CALLS_AT_ONCE = 8
"""In each process; a database serves as many sessions at once, of each."""
CLAIMED_AT_ONCE = 50
SENT_AT_ONCE = 10
MARKED_AT_ONCE = 30
TENANT = "default"
TIMEOUT = timedelta(seconds=10)
REPORTS = (CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.COMPLETED)


@dataclass
class Cost:
    """Of one step of a call, summed."""

    transactions: int = 0
    statements: int = 0
    in_database: float = 0.0
    """Seconds from the first byte of each statement to its answer, commits included."""
    seconds: float = 0.0


@dataclass
class Load:
    """What one process did while it was measured."""

    calls: int = 0
    delivered: int = 0
    processor: float = 0.0
    """CPU seconds."""
    steps: dict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))


@dataclass(frozen=True)
class Task:
    url: str
    campaign_id: int
    line: str
    endpoint_id: str
    most_calls: int | None = None
    """End after so many; None: when told to."""


class Caller:
    """One process's part of the load."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._database: Database = InThread(task.url)
        self._claimed: queue.Queue[ClaimedCall] = queue.Queue()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._at = threading.local()
        self._signalled: list[tuple[str, str, str]] = []
        self._errors: list[BaseException] = []
        self.load = Load()
        self._started = 0
        self._observe()

    def run(self, until: Callable[[], bool], measured: Callable[[], bool]) -> Load:
        """Make calls until told to stop; what was done before `measured` is left out."""
        work = [self._claim_on, self._deliver_on, *[self._call_on] * CALLS_AT_ONCE]
        threads = [threading.Thread(target=self._guarded, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        while not measured() and not self._over.is_set():
            time.sleep(0.005)
        with self._lock:
            self.load = Load()
        processor = time.process_time()
        while not until() and not self._over.is_set():
            time.sleep(0.005)
        load, load.processor = self.load, time.process_time() - processor
        with self._lock:
            self.load = Load()
        self._over.set()
        for thread in threads:
            thread.join()
        self._database.dispose()
        if self._errors:
            raise self._errors[0]
        return load

    @property
    def made(self) -> int:
        return self.load.calls

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)
            self._over.set()

    def _claim_on(self) -> None:
        while not self._over.is_set():
            if self._claimed.qsize() >= CLAIMED_AT_ONCE // 2:
                time.sleep(0.002)
                continue
            key, now = uuid.uuid4().hex, _now()
            claim = self._do(
                "claim",
                lambda s, key=key, now=now: (
                    claim_calls(  # type: ignore[misc]
                        s, self._task.campaign_id, key, now=now, limit=CLAIMED_AT_ONCE
                    ).claim
                ),
            )
            for call in claim.calls:
                self._claimed.put(call)
            if not claim.calls:
                time.sleep(0.01)

    def _call_on(self) -> None:
        while not self._over.is_set():
            try:
                call = self._claimed.get(timeout=0.05)
            except queue.Empty:
                continue
            self._call(call.call_id)
            with self._lock:
                self.load.calls += 1

    def _call(self, call_id: str) -> None:
        line, known_as = self._task.line, f"p-{call_id}"
        self._do("read", lambda s: calls.get_call(s, call_id), write=False)
        self._raise_fence(call_id)
        self._do("placed", lambda s: events.record_placed(s, call_id, known_as, now=_now()))
        for status in REPORTS:
            reported = CallEvent(
                event_id=uuid.uuid4().hex, at=_now(), call_id=call_id, provider_call_id=known_as,
                status=status,
            )  # fmt: skip
            self._do(
                "reports",
                lambda s, reported=reported: events.store_events(  # type: ignore[misc]
                    s, line, [reported], now=_now(), tenant=TENANT
                ),
            )
            self._mark((TENANT, line, reported.event_id))
        end = CallEnd(status=CallStatus.COMPLETED, at=_now())
        self._do("end", lambda s: settlement.end_call(s, call_id, end, now=_now()))

    def _raise_fence(self, call_id: str) -> None:
        """As `place_call` does: one that asks in a second which others have left waits."""
        while True:
            passed, _ = self._do(
                "fence", lambda s: raise_fence(s, call_id, now=_now(), placement_timeout=TIMEOUT)
            )
            if passed.verdict is FenceVerdict.GO:
                return
            if passed.retry_at is None:
                raise RuntimeError(f"{call_id}: {passed}")
            time.sleep(max(0.0, (passed.retry_at - _now()).total_seconds()))

    def _mark(self, key: tuple[str, str, str]) -> None:
        with self._lock:
            self._signalled.append(key)
            if len(self._signalled) < MARKED_AT_ONCE:
                return
            keys, self._signalled = self._signalled, []
        self._do("marks", lambda s: events.mark_signalled(s, keys, now=_now()))

    def _deliver_on(self) -> None:
        endpoint_id = self._task.endpoint_id
        while not self._over.is_set():
            due = self._do(
                "outbox",
                lambda s: deliveries.due(s, endpoint_id, now=_now(), limit=SENT_AT_ONCE),
                write=False,
            ).deliveries
            if not due:
                self._do("outbox", lambda s: outstanding.rest(s, endpoint_id))
                time.sleep(0.05)
                continue

            def record(s: Session, due: Any = due) -> None:
                for one in due:
                    deliveries.record_outcome(s, one, Outcome(_taken()), now=_now())

            self._do("outbox", record)
            with self._lock:
                self.load.delivered += len(due)

    def _do(self, step: str, work: Callable[[Session], T], *, write: bool = True) -> T:
        began, self._at.in_database, self._at.statements = time.perf_counter(), 0.0, 0
        result = (self._database.write_sync if write else self._database.read_sync)(work)
        with self._lock:
            cost = self.load.steps[step]
            cost.transactions += 1
            cost.statements += self._at.statements
            cost.in_database += self._at.in_database
            cost.seconds += time.perf_counter() - began
        return result

    def _observe(self) -> None:
        """Note how long statements and commits take, by thread."""
        engine = self._database._write_engine

        def before(*_: Any) -> None:
            self._at.began = time.perf_counter()

        def after(*_: Any) -> None:
            self._at.statements += 1
            self._at.in_database += time.perf_counter() - self._at.began

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        committed = engine.dialect.do_commit

        def commit(connection: Any) -> None:
            began = time.perf_counter()
            committed(connection)
            self._at.in_database += time.perf_counter() - began

        engine.dialect.do_commit = commit  # type: ignore[method-assign, assignment]


def run_process(task: Task, barrier: Barrier, warm: Event, over: Event, results: Any) -> None:
    """The body of a process: everybody starts together, and reports its load."""
    caller = Caller(task)
    barrier.wait()
    load = caller.run(over.is_set, warm.is_set)
    results.put((load.calls, load.delivered, load.processor, dict(load.steps)))


def summed(loads: list[Load]) -> Load:
    total = Load()
    for load in loads:
        total.calls += load.calls
        total.delivered += load.delivered
        total.processor += load.processor
        for name, cost in load.steps.items():
            into = total.steps[name]
            into.transactions += cost.transactions
            into.statements += cost.statements
            into.in_database += cost.in_database
            into.seconds += cost.seconds
    return total


def _taken() -> DeliveryAttempt:
    return DeliveryAttempt(
        at=_now(), url="https://example.com", request_headers={}, request_body="", status=200,
        duration_ms=1,
    )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


class WaitSampler:
    """Samples what the database's sessions wait for, until the block ends."""

    def __init__(self) -> None:
        self.samples = 0
        self.active = 0
        self.waits: Counter[str] = Counter()
        """Sessions that were found waiting, by what for."""
        self.locked: Counter[str] = Counter()
        """Statements that waited for a lock of another transaction."""

    @contextmanager
    def sampling(self, url: str) -> Iterator[None]:
        import psycopg

        over = threading.Event()

        def sample() -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                while not over.is_set():
                    rows = connection.execute(_SESSIONS).fetchall()
                    self.samples += 1
                    for kind, what, statement in rows:
                        self.active += 1
                        if kind is not None:
                            self.waits[f"{kind}: {what}"] += 1
                        if kind == "Lock":
                            self.locked[" ".join(str(statement).split())[:90]] += 1
                    time.sleep(0.01)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


_SESSIONS = """
SELECT wait_event_type, wait_event, query FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND datname = current_database()
"""
