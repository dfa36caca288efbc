"""The room on a campaign's lines, as one claim fills it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from outdial.domain.line.routing import LineShare, pick, usable
from outdial.store.claims.candidates import Person
from outdial.store.claims.limits import Room


class Board:
    """Counted down with every call taken."""

    def __init__(
        self, routes: Mapping[str, Sequence[LineShare]], rooms: Mapping[str, Room]
    ) -> None:
        """`routes` are the lines of each group of people, `rooms` what each line has."""
        self.rooms = rooms
        self.routes = routes
        self._free = {name: room.free for name, room in rooms.items()}
        self._out = {name for name, room in rooms.items() if room.out}

    def free_for(self, group: str) -> int:
        """How many calls to people of a group may start, on the lines that are used now."""
        names = usable(self.routes[group], self._out)
        return sum(max(0, self._free[name]) for name in names)

    def line_for(self, person: Person, turn: int) -> str | None:
        """The line of a person's next call; None when none can be used now."""
        return pick(self.routes[person.line], person.marks, self._out, self._free, turn)

    def take(self, line: str) -> None:
        self._free[line] -= 1
        if self.rooms[line].trial:
            self._out.add(line)

    def full(self) -> list[Room]:
        """Why lines take no more, those that take none at all last."""
        found = [self.rooms[name] for name, free in self._free.items() if free <= 0]
        return sorted(found, key=lambda room: room.out)
