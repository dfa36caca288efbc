"""Writes recipients in bulk, as they were read and located."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from outdial.domain.call.status import OUTCOME_REFUSED
from outdial.domain.record import RecipientState
from outdial.domain.rules.location import LocatedDraft
from outdial.store.db.bulk import load_rows
from outdial.store.db.tables import EPOCH, recipient
from outdial.store.db.tables.columns import json_text

_COLUMNS = (
    "position",
    "phone",
    "alternate_phones",
    "zones",
    "consent",
    "variables",
    "state",
    "outcome",
    "reason",
)
_WAITING, _DONE = RecipientState.WAITING.value, RecipientState.DONE.value
_NO_NUMBERS = json_text([])


def insert_recipients(
    s: Session,
    campaign_id: int,
    launch: int,
    line: str,
    drafts: Sequence[LocatedDraft],
    first_due: Callable[[str], datetime] = lambda _zones: EPOCH,
) -> None:
    """Write recipients under a launch number. Who is refused is done at once, with the reason.

    `first_due` says by a recipient's zones when it is due: by default at once.
    """
    same = {
        "campaign_id": campaign_id,
        "launch": launch,
        "line": line,
        "attempts": 0,
        "calls": 0,
        "turn": 1,
        "withdrawn": False,
    }
    rows: dict[datetime, list[tuple[Any, ...]]] = defaultdict(list)
    for draft in drafts:
        due = EPOCH if draft.zones is None else first_due(draft.zones)
        rows[due].append(_values(draft))
    for due, alike in rows.items():
        load_rows(s, recipient, same | {"due_at": due}, _COLUMNS, alike)


def _values(draft: LocatedDraft) -> tuple[Any, ...]:
    refused = draft.refusal is not None
    return (
        draft.position,
        draft.phone,
        json_text(list(draft.alternate_phones)) if draft.alternate_phones else _NO_NUMBERS,
        draft.zones,
        draft.consent,
        json_text(draft.variables),
        _DONE if refused else _WAITING,
        OUTCOME_REFUSED if refused else None,
        draft.refusal,
    )
