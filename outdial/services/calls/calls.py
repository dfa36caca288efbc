"""Calls: requested, listed, read, ended. Every call is placed through a claim: what is requested
here is a row on the roster of the tenant's direct campaign."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from outdial.dispatch.signals import signal_hang_up
from outdial.dispatch.wakeups import Wakeups
from outdial.domain.bounds import OutOfBounds
from outdial.domain.call.event import CallEvent
from outdial.domain.call.plan import CallRequest
from outdial.domain.call.request import CallFilter, CallView
from outdial.domain.call.status import OUTCOME_REFUSED, CallStatus
from outdial.domain.instants import TOO_FAR, too_far
from outdial.domain.numbers.phone import BadPhone, NumberNotAllowed, is_e164, parse_destination
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.zone import ZoneEvidence, zone_evidence
from outdial.providers.lines import Line
from outdial.providers.unsupported import in_words, not_carried_of
from outdial.resources.resources import Resources
from outdial.services.accounts.once import Answer, replay
from outdial.services.accounts.quotas import spend
from outdial.services.errors import NotFound, RequestRefused
from outdial.store.access import idempotency
from outdial.store.access.idempotency import IdempotentRequest
from outdial.store.call import calls as stored_calls
from outdial.store.call import events, requests
from outdial.store.call.requests import NewRequest
from outdial.store.campaign import campaigns
from outdial.store.roster import withdrawal


@dataclass(frozen=True)
class CallOrder:
    """A call to be made, and what belongs to it besides the request itself."""

    request: CallRequest
    agent: str | None = None
    """As it was requested; default: the agent's id at the provider."""
    origin: str = "v1"
    contact_id: str | None = None
    endpoint_id: str | None = None
    lenient: bool = False
    """Accept an E.164 number that no subscriber can have, and let the call fail, as vendors do."""


async def create_call(
    ctx: Resources,
    wakeups: Wakeups,
    order: CallOrder,
    *,
    show: Callable[[CallView], Answer] | None = None,
    idempotent: IdempotentRequest | None = None,
) -> CallView | Answer:
    """Store a call that is to be made, in one transaction; it is placed when it is due.

    With `idempotent` the answer that `show` makes of it is stored in the same transaction, and an
    answer that was stored before is given back instead of a call. Raises RequestRefused,
    UnknownLine, Collision, QuotaUsedUp.
    """
    line = ctx.lines.of_tenant(ctx.tenant).choose(order.request.line)
    order = replace(order, request=order.request.model_copy(update={"line": line}))
    # What other systems hand over as a context is for their own webhooks too.
    lines = ctx.lines.of_tenant(ctx.tenant)
    require_carried(lines[line], order.request, variables=not order.lenient)
    now = ctx.clock()
    new = _checked(order, now)

    def work(s: Session) -> tuple[CampaignRecord | None, CallView | Answer]:
        if idempotent is not None:
            before = replay(idempotency.begin_request(s, idempotent, now=now))
            if before is not None:
                return None, before
        direct = campaigns.ensure_direct_campaign(s, ctx.tenant, now=now)
        requests.create_request(s, direct, new, now=now)
        if new.refused is None:
            spend(s, ctx, 1, now)
        view = _view(new, line, direct, now)
        # Before the commit: what can't be answered must not be dialed.
        answer = show(view) if show is not None else Answer(200, view.model_dump_json())
        if idempotent is not None and show is not None:
            idempotency.store_response(s, idempotent, answer.status, answer.body)
        return direct, view

    direct, made = await ctx.database.write(work)
    if direct is not None and new.refused is None:
        wakeups.wake_soon(direct)
    return made


def require_carried(line: Line, request: CallRequest, *, variables: bool = True) -> None:
    """Check that the line supports the call's settings. Raises RequestRefused."""
    written = request.model_fields_set
    lost = [*not_carried_of(line, request, variables=variables, written=written)]
    if lost:
        raise RequestRefused("; ".join(map(in_words, lost)))


async def get_call(ctx: Resources, call_id: str) -> CallView:
    """One call of the tenant. Raises NotFound."""
    view = await ctx.database.read(lambda s: stored_calls.get_view(s, ctx.tenant, call_id))
    if view is None:
        raise NotFound("call", call_id)
    return view


async def list_calls(
    ctx: Resources,
    chosen: CallFilter,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    offset: int = 0,
) -> list[CallView]:
    """A page of the tenant's calls, newest first."""
    return await ctx.database.read(
        lambda s: stored_calls.list_views(
            s, ctx.tenant, chosen, limit=limit, after=after, offset=offset
        )
    )


async def count_calls(ctx: Resources, chosen: CallFilter, *, up_to: int) -> int:
    """How many calls there are; no more are counted than `up_to`."""
    return await ctx.database.read(
        lambda s: stored_calls.count_views(s, ctx.tenant, chosen, up_to=up_to)
    )


async def statuses_of_newest(
    ctx: Resources, chosen: CallFilter, *, up_to: int
) -> Counter[CallStatus]:
    """In which statuses the newest calls are, `up_to` of them."""
    return await ctx.database.read(
        lambda s: stored_calls.statuses_of_newest(s, ctx.tenant, chosen, up_to=up_to)
    )


async def call_events(ctx: Resources, call: CallView) -> list[CallEvent]:
    """What the provider reported about all attempts, oldest first."""
    return await ctx.database.read(
        lambda s: events.events_of_recipient(s, ctx.tenant, call.recipient_id)
    )


async def end_call(ctx: Resources, call_id: str) -> CallView:
    """Hang up, or cancel the request if no call is under way; what is over stays as it is.

    Raises NotFound.
    """
    view = await get_call(ctx, call_id)
    if view.done:
        return view
    now = ctx.clock()
    live = view.last if view.last is not None and not view.last.status.terminal else None
    if view.origin != "campaign":
        live = await ctx.database.write(
            lambda s: withdrawal.withdraw_recipient(s, view.recipient_id, now=now)
        )
    if live is not None:
        await signal_hang_up(ctx.temporal, live.workflow_id)
    return await get_call(ctx, call_id)


def _checked(order: CallOrder, now: datetime) -> NewRequest:
    """The number in E.164, and the zones of the person called. Raises RequestRefused."""
    request, refused, zones = order.request, None, None
    try:
        request.require_bounded()
    except OutOfBounds as error:
        raise RequestRefused(str(error)) from None
    if too_far(request.not_before, now):
        raise RequestRefused(f"scheduled_at: {TOO_FAR}")
    phone = request.to
    try:
        phone = parse_destination(request.to)
        zones = _zones(request, phone)
    except BadPhone as error:
        if not (order.lenient and is_e164(request.to)):
            raise RequestRefused(f"to: {error}") from error
        barred = isinstance(error, NumberNotAllowed)
        refused = str(error) if barred else "not a number of any numbering plan"
    except ValueError as error:  # no zone, or none that there is
        if not order.lenient:
            raise RequestRefused(f"time_zone: {error}") from error
        refused = str(error)
    return NewRequest(
        public_id=str(uuid.uuid4()),
        request=request,
        phone=phone,
        zones=zones,
        agent=order.agent or request.agent.id,
        origin=order.origin,
        refused=refused,
        contact_id=order.contact_id,
        endpoint_id=order.endpoint_id,
    )


def _zones(request: CallRequest, phone: str) -> ZoneEvidence:
    default = request.schedule.time_zone
    return zone_evidence(
        phone,
        own=request.time_zone,
        campaign_default=default,
        state=request.state,
        postal_code=request.postal_code,
    )


def _view(new: NewRequest, line: str, direct: CampaignRecord, now: datetime) -> CallView:
    """The new call as `get_call` shows it."""
    request = new.request
    return CallView(
        id=new.public_id,
        tenant=direct.tenant,
        to=new.phone,
        agent=new.agent,
        line=line,
        campaign=direct.name,
        origin=new.origin,
        contact_id=new.contact_id,
        endpoint_id=new.endpoint_id,
        status=CallStatus.QUEUED if new.refused is None else CallStatus.FAILED,
        outcome=None if new.refused is None else OUTCOME_REFUSED,
        reason=new.refused,
        done=new.refused is not None,
        created_at=now,
        scheduled_at=request.not_before,
        caller_id=request.caller_id,
        attempts=0,
        recipient_id=0,
        variables=request.variables,
        context=request.context,
        recording=request.recording,
        max_duration=request.max_duration,
    )
