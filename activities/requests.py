"""Activities of a single requested call: on the roster, its state, off the roster."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from outdial.contracts.signatures.request import (
    RequestActivities,
    Requested,
    RequestInput,
    RequestRef,
    RequestState,
)
from outdial.dispatch.signals import signal_hang_up
from outdial.dispatch.starting import wake_direct_campaign
from outdial.domain.call.plan import CallRequest
from outdial.domain.instants import TOO_FAR, too_far
from outdial.domain.line.routing import UnknownLine
from outdial.domain.numbers.phone import parse_destination
from outdial.domain.record import CallRecord, CampaignRecord, RecipientState
from outdial.domain.rules.zone import ZoneEvidence, zone_evidence
from outdial.providers.unsupported import in_words, not_carried_of
from outdial.resources.resources import Resources
from outdial.store.call.requests import enroll_request, find_request
from outdial.store.campaign import campaigns
from outdial.store.compliance.rulings import read_rulebook
from outdial.store.roster import roster, withdrawal


class Requests(RequestActivities):
    """Activities of RequestCallWorkflow: enrol, read and withdraw a request."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @activity.defn(name="enroll_request")
    async def enroll_request(self, request: RequestInput) -> Requested:
        if request.withdrawn:
            enrolled = await self._withdraw_enrolled(request)
            if enrolled is not None:
                return enrolled
        call_request = request.request
        phone, zones = _dialable(call_request)
        try:
            line = self._resources.lines.of_tenant(request.tenant).choose(call_request.line)
        except UnknownLine as error:
            raise _refused(str(error)) from error
        entered = request.model_copy(
            update={"request": call_request.model_copy(update={"line": line})}
        )
        # The request does not say which variables are for the agent, and which for the outcome.
        chosen = self._resources.lines.of_tenant(request.tenant)[line]
        if lost := [*not_carried_of(chosen, call_request, variables=False)]:
            raise _refused("; ".join(map(in_words, lost)))
        now = self._resources.clock()
        if too_far(call_request.not_before, now):
            raise _refused(f"not_before: {TOO_FAR}")
        rulebook = await self._resources.database.read(
            lambda s: read_rulebook(s, request.tenant, now)
        )
        for risk in call_request.accept_risk:
            if not rulebook.has(risk.rule):
                raise _refused(f"accept_risk: found {risk.rule!r}, which is no rule")
        direct = await self._resources.database.write(
            lambda s: campaigns.ensure_direct_campaign(s, request.tenant, now=now)
        )
        recipient, live = await self._resources.database.write(
            lambda s: _enter(s, entered, direct, phone, zones, now)
        )
        if live is not None:
            await signal_hang_up(self._resources.temporal, live.workflow_id)
        if not request.withdrawn:
            await wake_direct_campaign(self._resources.temporal, direct)
        return Requested(recipient_id=recipient)

    async def _withdraw_enrolled(self, request: RequestInput) -> Requested | None:
        """Withdraw a request that is on the roster already, even if it would be refused now."""
        now = self._resources.clock()

        def work(s: Session) -> tuple[int | None, CallRecord | None]:
            direct = campaigns.ensure_direct_campaign(s, request.tenant, now=now)
            recipient_id = find_request(s, direct.id, request.key)
            if recipient_id is None:
                return None, None
            return recipient_id, withdrawal.withdraw_recipient(s, recipient_id, now=now)

        recipient_id, live = await self._resources.database.write(work)
        if live is not None:
            await signal_hang_up(self._resources.temporal, live.workflow_id)
        return None if recipient_id is None else Requested(recipient_id=recipient_id)

    @activity.defn(name="read_request")
    async def read_request(self, request: RequestRef) -> RequestState:
        state = await self._resources.database.read(
            lambda s: roster.recipient_result(s, request.recipient_id)
        )
        if state is None:
            raise _refused(f"no request has the row {request.recipient_id}")
        recipient, call = state.recipient, state.call
        done = recipient.state is RecipientState.DONE
        due = recipient.not_before
        waiting = f"{recipient.state.value}"
        if not done and due is not None and due > self._resources.clock():
            waiting = f"{recipient.reason or 'its time'}, at {due:%Y-%m-%d %H:%M:%SZ}"
        return RequestState(
            done=done,
            outcome=recipient.outcome,
            reason=recipient.reason,
            attempts=recipient.attempts,
            status=call.status.value if call else None,
            call_id=call.id if call else None,
            duration_seconds=call.duration_seconds if call else None,
            waiting_for=None if done else waiting,
        )

    @activity.defn(name="withdraw_request")
    async def withdraw_request(self, request: RequestRef) -> RequestState:
        now = self._resources.clock()
        live = await self._resources.database.write(
            lambda s: withdrawal.withdraw_recipient(s, request.recipient_id, now=now)
        )
        if live is not None:
            await signal_hang_up(self._resources.temporal, live.workflow_id)
        return await self.read_request(request)


def _enter(
    s: Session,
    request: RequestInput,
    direct: CampaignRecord,
    phone: str,
    zones: ZoneEvidence,
    now: datetime,
) -> tuple[int, CallRecord | None]:
    """The recipient's id, and the call to hang up when the request is withdrawn."""
    recipient = enroll_request(
        s,
        direct.id,
        request.request,
        phone=phone,
        zones=zones,
        request_key=request.key,
        requester_workflow_id=request.workflow_id,
        now=now,
    )
    if not request.withdrawn:
        return recipient, None
    return recipient, withdrawal.withdraw_recipient(s, recipient, now=now)


def _dialable(request: CallRequest) -> tuple[str, ZoneEvidence]:
    try:
        request.require_bounded()
        phone = parse_destination(request.to)
        return phone, zone_evidence(
            phone,
            own=request.time_zone,
            campaign_default=request.schedule.time_zone,
            state=request.state,
            postal_code=request.postal_code,
        )
    except ValueError as error:
        raise _refused(str(error)) from error


def _refused(why: str) -> ApplicationError:
    return ApplicationError(why, type="RequestRefused", non_retryable=True)
