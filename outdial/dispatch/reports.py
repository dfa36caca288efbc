"""From a provider's event to what a workflow may see of it: no transcript, no number."""

from __future__ import annotations

from collections.abc import Sequence

from outdial.contracts.signatures.call import CallReport
from outdial.domain.call.event import CallEvent
from outdial.domain.call.evidence import was_answered


def report_of(call_id: str | None, event: CallEvent) -> CallReport | None:
    """None for an event that says nothing about the status, or belongs to no call of ours."""
    if call_id is None or event.status is None:
        return None
    return CallReport(
        call_id=call_id,
        event_id=event.event_id,
        status=event.status,
        at=event.at,
        answered=was_answered(event, event.transcript),
        presumes_answer=event.presumes_answer,
        unserved=event.unserved,
        answered_by=event.answered_by,
        failure=event.failure,
        fault=event.fault,
        detail=event.detail,
        duration_seconds=event.duration_seconds,
    )


def reports_of(call_id: str, told: Sequence[CallEvent]) -> tuple[CallReport, ...]:
    """Those of a call's events that say something about its status."""
    reports = (report_of(call_id, event) for event in told)
    return tuple(report for report in reports if report is not None)
