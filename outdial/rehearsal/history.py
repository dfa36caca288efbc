"""What was tried before: the ledger, suppressed numbers, and numbers with a call under way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from outdial.domain.decision.ceiling import WITHIN, Ceiling
from outdial.domain.decision.decision import Ledger
from outdial.domain.numbers.phone import subscriber
from outdial.rehearsal.roster import Person

_NOTHING = Ledger()


class History:
    """Calls to the numbers of a roster, by their canonical form. Those before the rehearsal are
    handed in: a campaign's people may have been called by others."""

    def __init__(
        self,
        *,
        keeps_attempts: bool,
        daily_ceiling: int,
        attempts: Mapping[str, Sequence[datetime]],
        placements: Mapping[str, Sequence[datetime]],
        suppressed: Mapping[str, str],
    ) -> None:
        """`keeps_attempts`: whether any limit asks for earlier attempts. `daily_ceiling`: 0 for
        none. `suppressed`: why, by number."""
        self._keeps_attempts = keeps_attempts
        self._ceiling = daily_ceiling
        self._attempts: dict[str, list[datetime]] = defaultdict(list)
        self._placements: dict[str, list[datetime]] = defaultdict(list)
        self._suppressed = {subscriber(phone): reason for phone, reason in suppressed.items()}
        self._live: set[str] = set()
        for earlier, by_number in ((attempts, self._attempts), (placements, self._placements)):
            for phone, times in earlier.items():
                by_number[subscriber(phone)] = sorted((*by_number[subscriber(phone)], *times))

    def ledger(self, person: Person, now: datetime, *, counts_ceiling: bool) -> Ledger:
        """Earlier attempts to the person; `counts_ceiling`: the line is no simulated one."""
        if not self._keeps_attempts and not (counts_ceiling and self._ceiling):
            return _NOTHING
        ceiling = self._reached_ceiling(person.phone, now) if counts_ceiling else None
        to_number = tuple(self._attempts.get(subscriber(person.phone), ()))
        if not person.others:
            return Ledger(to_number, ceiling=ceiling)
        numbers = set(person.subscribers)
        everything = sorted(at for one in numbers for at in self._attempts.get(one, ()))
        return Ledger(tuple(everything), to_number, ceiling)

    def _reached_ceiling(self, phone: str, now: datetime) -> Ceiling | None:
        if not self._ceiling:
            return None
        since = now - WITHIN
        recent = [at for at in self._placements.get(subscriber(phone), ()) if at > since]
        return Ceiling(self._ceiling, tuple(recent)) if len(recent) >= self._ceiling else None

    def note_placement(self, phone: str, now: datetime) -> None:
        """A request for a real telephone left."""
        if self._ceiling:
            self._placements[subscriber(phone)].append(now)

    def take_back_placement(self, phone: str) -> None:
        """The last request was refused: nothing was dialed."""
        placements = self._placements.get(subscriber(phone))
        if placements:
            placements.pop()

    def note_attempt(self, phone: str, placed_at: datetime) -> None:
        """A call that may have rung has ended."""
        if self._keeps_attempts:
            self._attempts[subscriber(phone)].append(placed_at)

    def suppression(self, phone: str) -> str | None:
        """Why the number must not be called."""
        if not self._suppressed:
            return None
        return self._suppressed.get(subscriber(phone))

    def suppress(self, phones: Iterable[str], reason: str) -> None:
        for phone in phones:
            self._suppressed.setdefault(subscriber(phone), reason)

    # --- calls under way

    def is_busy(self, person: Person) -> bool:
        """Whether a call to one of the person's numbers is under way."""
        return any(number in self._live for number in person.subscribers)

    def begin_call(self, phone: str) -> None:
        self._live.add(subscriber(phone))

    def end_call(self, phone: str) -> None:
        self._live.discard(subscriber(phone))


def furthest(spans: Iterable[timedelta | None]) -> bool:
    """Whether any limit looks back at all; None looks back without limit."""
    return any(span is None or span > timedelta(0) for span in spans)
