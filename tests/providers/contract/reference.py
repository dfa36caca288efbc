"""What independent sources say: a table of every status, and vectors of every signature.

`status_map.json` was compiled from the providers' documents before the adapters were written,
`signature_vectors.json` from the tests of their own libraries.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.providers.reports.status_map import Meaning

_HERE = Path(__file__).parent
_CLASSES = {
    "throttle": FailureClass.THROTTLED,
    "infra": FailureClass.UNAVAILABLE,
    "bad_number": FailureClass.REJECTED,
    "config": FailureClass.MISCONFIGURED,
    "callee": FailureClass.UNAVAILABLE,
    "blocked": FailureClass.BLOCKED,
    "refused": FailureClass.REFUSED,
    "unknown": FailureClass.UNKNOWN,
}


def rows(provider: str, field: str) -> list[tuple[str, Meaning]]:
    """Every word of a field with its meaning; those said to be decided elsewhere are left out."""
    table = _load("status_map.json")[provider][field]
    return [(word, _meaning(row)) for word, row in table.items() if not isinstance(row, str)]


def answerers(provider: str, field: str) -> list[tuple[str, AnsweredBy | None]]:
    """Every word for who answered; a fax is a machine to us."""
    table: dict[str, str | None] = _load("status_map.json")[provider][field]
    return [
        (
            word,
            AnsweredBy.MACHINE if answerer == "fax" else AnsweredBy(answerer) if answerer else None,
        )
        for word, answerer in table.items()
    ]


def vectors(scheme: str) -> list[dict[str, Any]]:
    """The signature vectors of a scheme."""
    fitting = [one for one in _load("signature_vectors.json") if one["scheme"].startswith(scheme)]
    assert fitting, f"no vector of {scheme}"
    return fitting


def _meaning(row: dict[str, Any]) -> Meaning:
    status = CallStatus(row["state"])
    return Meaning(
        status=status,
        failure=_CLASSES[row["retry_class"]] if status is CallStatus.FAILED else None,
        answered_by=AnsweredBy.MACHINE if row.get("machine") else None,
    )


@cache
def _load(name: str) -> Any:
    return json.loads((_HERE / name).read_text())
