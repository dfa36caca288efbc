"""Domain values of rows: the only values that leave the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.status import FailureClass
from outdial.domain.decision.decision import Candidate
from outdial.domain.line.routing import Marks
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CallRecord, RecipientRecord, RecipientState
from outdial.domain.rules.consent import Consent
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, ZoneEvidence, renew_evidence
from outdial.store.db.tables import EPOCH


@lru_cache(maxsize=1024)
def read_zones(text: str) -> ZoneEvidence:
    return ZoneEvidence.model_validate_json(text)


def read_current_zones(text: str, phone: str, others: tuple[str, ...]) -> ZoneEvidence:
    """Zones by the data of this version; none when it has none for them any more."""
    evidence = read_zones(text)
    try:
        return renew_evidence(evidence, phone, others)
    except (UnknownZone, UnknownPlace):
        return evidence.model_copy(update={"candidates": ()})


def read_candidate(row: RowMapping, zones: ZoneEvidence) -> Candidate:
    """A recipient as decisions see it; `suppressed` is looked up with the row."""
    return Candidate(
        zones=zones.candidates,
        attempts=row["attempts"],
        not_before=row["not_before"],
        suppressed=row["suppressed"],
        jurisdictions=zones.jurisdictions,
        consent=read_consent(row["consent"]),
        promised=row["promised"],
        destinations=zones.destinations,
        marks=read_marks(row["line_marks"]) if "line_marks" in row else {},
    )


@lru_cache(maxsize=1024)
def _consent(text: str) -> Consent:
    return Consent.model_validate_json(text)


def read_consent(text: str | None) -> Consent | None:
    return None if text is None else _consent(text)


def read_marks(stored: dict[str, str]) -> Marks:
    return {line: FailureClass(mark) for line, mark in stored.items()}


def call_record(row: RowMapping) -> CallRecord:
    fields = {name: row[name] for name in _CALL_FIELDS}
    return CallRecord(**fields, to=row["phone"])


def claimed_call(row: Mapping[str, Any] | RowMapping) -> ClaimedCall:
    """What a call's workflow is started with."""
    return ClaimedCall(
        call_id=row["id"],
        workflow_id=row["workflow_id"],
        tenant=row["tenant"],
        campaign=row["campaign"],
        line=row["line"],
        masked=mask_phone(row["phone"]),
        attempt=row["attempt"],
        ring_timeout=timedelta(seconds=row["ring_seconds"]),
        max_duration=timedelta(seconds=row["max_seconds"]),
    )


def recipient_record(row: RowMapping) -> RecipientRecord:
    fields: dict[str, Any] = {name: row[name] for name in _RECIPIENT_FIELDS}
    zones = () if row["zones"] is None else read_zones(row["zones"]).candidates
    waits = row["state"] == RecipientState.WAITING and row["due_at"] != EPOCH
    not_before = row["due_at"] if waits else row["not_before"]
    return RecipientRecord(**fields, zones=zones, not_before=not_before)


_CALL_FIELDS = tuple(CallRecord.model_fields.keys() - {"to"})
_RECIPIENT_FIELDS = tuple(RecipientRecord.model_fields.keys() - {"zones", "not_before"})
