"""The callback `webhook`: a POST of rendered JSON, done when it is answered with 2xx."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta

import httpx

from activities.callbacks.context import template_context
from activities.callbacks.outcome import CallbackOutcome, done, not_yet, refused
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.callback_run import CallbackContext
from outdial.domain.definition.headers import header_problem
from outdial.intake.templates.callbacks import RenderFailed, render, render_text
from outdial.resources.integrations import Integrations
from outdial.resources.outgoing.addresses import (
    GuardedTransport,
    NameUnknown,
    UrlRefused,
    parse_url,
)

_LATER = frozenset({408, 409, 421, 423, 425, 429})
"""Client errors that may go away by themselves."""
LONGEST_ANSWER = 100_000
"""Bytes that are read of an answer."""


@dataclass(frozen=True)
class _Request:
    url: str
    headers: dict[str, str]
    content: bytes


async def send_webhook(
    integrations: Integrations,
    context: CallbackContext,
    appointment: Appointment | None,
    timeout: timedelta,
) -> CallbackOutcome:
    """POST the body. The idempotency key is the same for every try."""
    request = _request(integrations, context, appointment)
    try:
        # As a whole: an endpoint that drips a byte now and then would never time out otherwise.
        async with asyncio.timeout(timeout.total_seconds()):
            status = await _post(integrations, request)
    except NameUnknown as error:
        raise not_yet(f"the endpoint cannot be reached: {error.unquoted}") from None
    except UrlRefused as error:
        hint = "callbacks.allow_hosts names hosts to which requests may go all the same"
        raise refused(f"{error.unquoted}; {hint}") from None
    except (TimeoutError, httpx.TimeoutException):
        raise not_yet(f"no answer within {timeout.total_seconds():g} s") from None
    except httpx.HTTPError as error:
        raise not_yet(f"the endpoint cannot be reached: {type(error).__name__}") from None
    if 200 <= status < 300:
        return done(f"answered {status}", status=status)
    if status >= 500 or status in _LATER:
        raise not_yet(f"the endpoint answered {status}")
    raise refused(f"the endpoint answered {status}")


async def _post(integrations: Integrations, request: _Request) -> int:
    transport = GuardedTransport(allow_hosts=integrations.allow_hosts, egress=integrations.egress)
    async with (
        httpx.AsyncClient(transport=transport, trust_env=False, timeout=None) as client,
        client.stream(
            "POST", request.url, content=request.content, headers=request.headers
        ) as response,
    ):
        read = 0
        async for part in response.aiter_raw():
            read += len(part)
            if read > LONGEST_ANSWER:
                break
        return response.status_code


def _request(
    integrations: Integrations, context: CallbackContext, appointment: Appointment | None
) -> _Request:
    callback = context.entry.callback
    assert callback is not None
    names = template_context(context, appointment)
    try:
        url = _url(render_text(callback.url or "", names).strip())
        body = render(callback.body, names) if callback.body else _default_body(names)
        headers = {name: render_text(text, names) for name, text in callback.headers.items()}
    except RenderFailed as error:
        raise refused(f"a template failed: {error}") from None
    for name in headers:
        problem = header_problem(name, has_auth=callback.auth is not None)
        if problem is not None:
            raise refused(problem)
    headers |= {"content-type": "application/json", "idempotency-key": context.entry.key}
    if callback.auth is not None:
        secret = integrations.secrets.get(callback.auth)
        if secret is None:
            raise refused(f"found auth {callback.auth!r}, of which the settings know no secret")
        if not secret.may_go_to(httpx.URL(url), integrations.allow_hosts):
            raise refused(
                f"auth {callback.auth!r} may not be sent to this address; "
                f"callbacks.secrets.{callback.auth}.hosts names those it may be sent to, over https"
            )
        headers["authorization"] = f"Bearer {secret.token}"
    if any(not (v.isprintable() and v.isascii()) for v in headers.values()):
        raise refused("found a header with characters that no HTTP header can carry")
    return _Request(url, headers, json.dumps(body).encode())


def _url(written: str) -> str:
    """As it goes over the wire: what a template wrote into it is escaped where it must be."""
    try:
        url = str(httpx.URL(written))
        parse_url(url)
    except httpx.InvalidURL:
        raise refused("found what is no URL; write one such as https://example.com") from None
    except UrlRefused as error:
        raise refused(f"{error.unquoted}; write one such as https://example.com") from None
    return url


def _default_body(names: dict[str, object]) -> dict[str, object]:
    return {key: names[key] for key in ("call", "data", "appointment")}
