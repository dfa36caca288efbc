"""The line on which each number of a roster stands first."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence

_SMALLEST = 1 << 12
_NOTHING = 0


class FirstLines:
    """A hash table in two arrays: a dictionary takes three times the memory, a hundred bytes a
    number."""

    def __init__(self) -> None:
        self._numbers = array("Q", bytes(8 * _SMALLEST))
        self._lines = array("I", bytes(4 * _SMALLEST))
        self._count = 0
        self._factor = random.getrandbits(62) | 1
        """So that nobody can choose numbers which all have the same place."""

    def add(self, numbers: Sequence[int], lines: Sequence[int]) -> dict[int, int]:
        """Note on which line each number stands; 0 is no number.

        The first lines of those that were noted before, by their places among `numbers`.
        """
        while 3 * (self._count + len(numbers)) > 2 * len(self._numbers):
            self._grow()
        table, first_lines, factor = self._numbers, self._lines, self._factor
        mask = len(table) - 1
        before: dict[int, int] = {}
        for at, number in enumerate(numbers):
            if number == _NOTHING:
                continue
            place = (number * factor >> 20) & mask
            while (other := table[place]) != _NOTHING:
                if other == number:
                    before[at] = first_lines[place]
                    break
                place = (place + 1) & mask
            else:
                table[place], first_lines[place] = number, lines[at]
                self._count += 1
        return before

    def _grow(self) -> None:
        numbers, lines = self._numbers, self._lines
        self._numbers = array("Q", bytes(8 * 2 * len(numbers)))
        self._lines = array("I", bytes(4 * 2 * len(numbers)))
        table, first_lines, factor = self._numbers, self._lines, self._factor
        mask = len(table) - 1
        for number, line in zip(numbers, lines, strict=True):
            if number != _NOTHING:
                place = (number * factor >> 20) & mask
                while table[place] != _NOTHING:
                    place = (place + 1) & mask
                table[place], first_lines[place] = number, line
