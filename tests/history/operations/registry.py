"""The operations, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import Session

from outdial.domain.record import DEFAULT_TENANT
from tests.builders import House
from tests.history.filling import History

T = TypeVar("T")
NOBODY = "nobody"
"""An id of nothing that exists."""
TENANT = DEFAULT_TENANT


@dataclass(frozen=True)
class Scene:
    """A filled database."""

    house: House
    history: History

    def do(self, work: Callable[[Session], T]) -> T:
        """One transaction that may write."""
        return self.house.write(work)


Operation = Callable[[Scene], None]
OPERATIONS: list[Operation] = []


def operation(work: Operation) -> Operation:
    OPERATIONS.append(work)
    return work
