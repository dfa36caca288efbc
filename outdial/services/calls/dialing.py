"""Single calls as other systems know them: dialed once, at any hour that the rules leave open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from outdial.domain.call.plan import CallRequest
from outdial.domain.call.retry import Retry
from outdial.domain.definition.schedule import Schedule
from outdial.domain.directory import PhoneNumber
from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.domain.refusals import explain_first
from outdial.providers.carried import CallSettings
from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.accounts.directory import Speaker
from outdial.services.accounts.rights import require_for_call
from outdial.services.calls.calls import CallOrder
from outdial.services.errors import RequestRefused

_ANY_HOUR = Schedule.model_validate({"hours": "00:00-24:00"})
_ONCE = Retry(max_attempts=1)


async def single_call(
    ctx: Resources,
    *,
    scopes: tuple[str, ...],
    to: str,
    agent: str | None,
    origin: str,
    caller_id: str | None = None,
    context: Mapping[str, Any] | None = None,
    contact_id: str | None = None,
    endpoint_id: str | None = None,
    not_before: datetime | None = None,
    max_duration: timedelta | None = None,
    recording: bool | None = None,
    has_recordings: bool = False,
) -> CallOrder:
    """A call to be made once. `context` is given to the agent, and comes back as it came;
    `scopes` are those of the request's key.

    `has_recordings` is for systems whose calls always have recordings: they are recorded where
    the line has an option for it.

    Raises RequestRefused, UnknownLine, ScopeMissing.
    """
    speaker = await directory.speaker(ctx, agent)
    if caller_id is not None:
        caller_id = await require_shown(ctx, speaker.line, caller_id)
    if has_recordings and recording is None:
        recording = _can_record(ctx, speaker) or None
    request = _request(
        speaker,
        context or {},
        to=to,
        caller_id=caller_id,
        not_before=not_before,
        recording=recording,
        **({} if max_duration is None else {"max_duration": max_duration}),
    )
    await require_for_call(ctx, scopes, request, speaker)
    return CallOrder(
        request=request,
        agent=speaker.name,
        origin=origin,
        contact_id=contact_id,
        endpoint_id=endpoint_id,
        lenient=True,
    )


def _request(speaker: Speaker, context: Mapping[str, Any], **values: Any) -> CallRequest:
    try:
        return CallRequest(
            agent=speaker.agent,
            line=speaker.line,
            variables={name: in_words(value) for name, value in context.items()},
            context=dict(context),
            schedule=_ANY_HOUR,
            retry=_ONCE,
            **values,
        )
    except ValidationError as error:
        raise RequestRefused(explain_first(error, CallRequest)) from error


def _can_record(ctx: Resources, speaker: Speaker) -> bool:
    provider = ctx.lines.of_tenant(ctx.tenant)[speaker.line].provider
    refused = provider.refused(CallSettings(agent=speaker.agent, recording=True))
    return not any("recording" in each.path for each in refused)


async def require_shown(ctx: Resources, line: str, number: str) -> str:
    """A number that calls on this line may show, in E.164: the tenant keeps it, or the line does.

    Raises RequestRefused.
    """
    try:
        shown = parse_phone(number)
    except BadPhone:
        shown = number  # toll-free examples of other systems are no subscriber's numbers
    if shown in ctx.lines.of_tenant(ctx.tenant)[line].policy.caller_ids:
        return shown
    kept: PhoneNumber | None = await directory.find(
        ctx, directory.PHONE_NUMBERS, phone=shown, is_active=True
    )
    if kept is None or kept.line not in (None, line):
        raise RequestRefused(f"caller id: {number!r} is not verified; register it first")
    return shown


def in_words(value: Any) -> str:
    """A value as an agent gets it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
