"""How a call ended, as whoever followed it saw it: its workflow, a sweeper, or the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from outdial.domain.call.evidence import Report, answered_in_all, ending_of
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass


class EndReport(Report, Protocol):
    """A report with a terminal status."""

    @property
    def status(self) -> CallStatus: ...
    @property
    def at(self) -> datetime: ...
    @property
    def detail(self) -> str | None: ...


class CallEnd(BaseModel):
    """The end of one call, and what is known of it."""

    model_config = ConfigDict(frozen=True)

    status: CallStatus
    at: datetime
    answered: bool | None = None
    """Whether it is proved that it was answered, or that it was not."""
    presumes_answer: bool = False
    """`completed` is to be believed only with a proof that it was answered."""
    unserved: bool = False
    """The agent was never started: whoever answered heard nothing, so it was no talk."""
    answered_by: AnsweredBy | None = None
    failure: FailureClass | None = None
    fault: FailureClass | None = None
    """What the end of an answered call says of the line that it was made on."""
    detail: str | None = None
    duration_seconds: float | None = None
    may_have_rung: bool = True
    """False only when certainly nothing was dialed; then it is no attempt."""
    not_placed: bool = False
    """The provider never had the call. Not believed where its reports prove the opposite."""
    retry_after: timedelta | None = None
    analysis_wait: timedelta = timedelta(0)
    """How long to wait for the analysis before settling without it; 0: settle at once."""
    wait_if_answered: timedelta = timedelta(0)
    """The same where it turns out to have been answered, by what the store knows besides."""

    @classmethod
    def of(
        cls,
        report: EndReport,
        *,
        answered_before: bool = False,
        started_before: bool = False,
        **more: Any,
    ) -> CallEnd:
        """The end that a provider's report with a terminal status amounts to.

        That a provider reports it proves that the call was made: it is an attempt.
        """
        return cls(
            status=report.status,
            at=report.at,
            answered=report.answered,
            presumes_answer=report.presumes_answer,
            unserved=report.unserved,
            answered_by=report.answered_by,
            failure=report.failure,
            fault=report.fault,
            detail=report.detail,
            duration_seconds=report.duration_seconds,
            may_have_rung=True,
            **more,
        ).by_facts(answered_before=answered_before, started_before=started_before)

    @classmethod
    def withdrawn(cls, at: datetime, detail: str) -> CallEnd:
        """A call that was taken back before anything left."""
        return cls(status=CallStatus.CANCELED, at=at, detail=detail, may_have_rung=False)

    @classmethod
    def absent(cls, at: datetime) -> CallEnd:
        """The provider certainly never had the call: it was looked for and not found."""
        return cls(
            status=CallStatus.FAILED,
            at=at,
            failure=FailureClass.UNAVAILABLE,
            detail="the request was lost; the provider has no such call",
            may_have_rung=False,
            not_placed=True,
        )

    @classmethod
    def unknown(cls, at: datetime, detail: str, **more: Any) -> CallEnd:
        """A call that lasted as long as its lease, and whose end nobody reported."""
        return cls(
            status=CallStatus.FAILED, at=at, failure=FailureClass.UNKNOWN, detail=detail, **more
        )

    def by_facts(self, *, answered_before: bool = False, started_before: bool = False) -> CallEnd:
        """The same end, read with what is proved by now."""
        answered = answered_in_all(self, answered_before, started_before)
        end = ending_of(self, answered_before=answered is True)
        return self.model_copy(
            update={
                "status": end.status,
                "failure": end.failure,
                "fault": end.fault,
                "answered": answered,
                "may_have_rung": self.may_have_rung or answered is True,
            }
        )
