"""Who is next: recipients that wait, by when they are due, and those that are ready, by when their
window closes."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import datetime
from heapq import heapify, heappop, heappush

from outdial.domain.call.batches import MOST_COUNTED
from outdial.rehearsal.roster import Person

_Due = tuple[datetime, int, Person]
_Ready = tuple[datetime, int, int, Person]


class Waiting:
    """Recipients that wait. Those with a time of their own (turn 0) go first."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._due: tuple[list[_Due], list[_Due]] = ([], [])
        for person in people:
            self._due[person.turn].append((person.due_at, person.id, person))
        for heap in self._due:
            heapify(heap)

    def add(self, person: Person) -> None:
        heappush(self._due[person.turn], (person.due_at, person.id, person))

    def pop_due(self, turn: int, most: int, now: datetime) -> list[Person]:
        """At most so many of those who are due, in their order."""
        heap, due = self._due[turn], list[Person]()
        while len(due) < most and heap and heap[0][0] <= now:
            due.append(heappop(heap)[2])
        return due

    def next_due(self) -> datetime | None:
        """When the next one is due."""
        return min((heap[0][0] for heap in self._due if heap), default=None)


class Ready:
    """Recipients that may be called now, as far as it was decided already: a small stock."""

    def __init__(self) -> None:
        self._entries: list[_Ready] = []
        self._redials = 0
        """How many of them have a time of their own."""

    def add(self, person: Person) -> None:
        insort(self._entries, (person.closes_at, person.turn, person.id, person))
        self._redials += person.turn == 0

    def first(self, size: int) -> list[Person]:
        return [entry[3] for entry in self._entries[:size]]

    def pop_closed(self, most: int, now: datetime) -> list[Person]:
        """At most so many of those whose window has closed."""
        count = min(most, self._closed(now))
        if not count:
            return []
        closed = self._entries[:count]
        self._remove(count)
        # Of those whose windows closed at one time, the ids are in order, whatever their turn.
        closed.sort(key=lambda entry: (entry[0], entry[2]))
        return [entry[3] for entry in closed]

    def remove_among(self, size: int, moved: set[int]) -> None:
        """Remove those of the first `size` whose ids are given."""
        entries = self._entries
        if not moved or not entries:
            return
        first = 0
        while first < size and first < len(entries) and entries[first][2] in moved:
            first += 1
        self._remove(first)
        size -= first
        rest = [entry for entry in entries[:size] if entry[2] in moved]
        if rest:
            self._redials -= sum(entry[1] == 0 for entry in rest)
            entries[:size] = [entry for entry in entries[:size] if entry[2] not in moved]

    def counts(self, now: datetime) -> tuple[int, int]:
        """How many of those whose window is open have a time of their own, and how many there are
        in all, counted up to a thousand."""
        closed = self._closed(now)
        if not closed and len(self._entries) <= MOST_COUNTED:
            return self._redials, len(self._entries)
        counted = self._entries[closed : closed + MOST_COUNTED]
        return sum(entry[1] == 0 for entry in counted), len(counted)

    def _remove(self, count: int) -> None:
        self._redials -= sum(entry[1] == 0 for entry in self._entries[:count])
        del self._entries[:count]

    def _closed(self, now: datetime) -> int:
        entries = self._entries
        if not entries or entries[0][0] > now:
            return 0
        return bisect_right(entries, now, key=lambda entry: entry[0])
