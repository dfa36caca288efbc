"""How many examples a property gets: a fifth of them in `make test`, all in `make faults`."""

from __future__ import annotations

import os

VARIABLE = "OUTDIAL_TEST_EXAMPLES"
_ALL = os.environ.get(VARIABLE) == "all"
_FEWEST = 3


def examples(number: int) -> int:
    return number if _ALL else max(number // 5, _FEWEST)
