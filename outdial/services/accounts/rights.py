"""Scopes needed for what goes beyond placing calls.

A key may start campaigns and calls without being trusted with the operator's mail server, secrets
and caller ids, with the choice of what is really dialed, or with setting a calling rule aside. The
operator's own files, launched from the command line, need no scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from outdial.domain.access import ACCEPT_RISKS, OVERRIDE_DIALING, SEND_MAIL, USE_SECRETS, allows
from outdial.domain.call.plan import CallRequest
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.callbacks import Callback, CallbackKind
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.headers import keyed_header_problem
from outdial.domain.directory import PhoneNumber
from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.providers.lines import Line
from outdial.resources.resources import Resources
from outdial.services.accounts import directory
from outdial.services.accounts.directory import Speaker
from outdial.services.errors import RequestRefused, ScopeMissing

Scopes = tuple[str, ...]


@dataclass(frozen=True)
class Need:
    """A requested feature that needs a scope of its own."""

    scope: str
    what: str
    """Where it stands, and what it is."""


async def require_for_definition(
    ctx: Resources, scopes: Scopes | None, definition: CampaignDefinition
) -> None:
    """Without scopes it is the operator's own. Raises ScopeMissing, UnknownLine, and RequestRefused
    for a header that is not on the list, and where mail has no recipients."""
    if scopes is None:
        return
    needs = [*_risks(len(definition.accept_risk))]
    for at, callback in enumerate(definition.callbacks):
        needs += _callback(f"callbacks[{at}]", callback)
    lines = ctx.lines.of_tenant(ctx.tenant)
    for share in definition.line or ():
        line = lines[share.name]
        needs += _agent("agent", line, share.agent or definition.agent)
        for number in share.caller_ids or definition.caller_ids:
            needs += await _caller_id(ctx, "caller_ids", line, number)
    _require(scopes, needs)
    _require_mail_rules(ctx, needs)
    _require_headers(ctx, definition)


def require_for_recipients(ctx: Resources, scopes: Scopes, definition: CampaignDefinition) -> None:
    """For people who are added to a campaign, the operator's own too: mail is written to addresses
    that come with them. Raises ScopeMissing, and RequestRefused where mail has no recipients."""
    needs = [
        need
        for at, callback in enumerate(definition.callbacks)
        for need in _callback(f"callbacks[{at}]", callback)
        if need.scope == SEND_MAIL
    ]
    _require(scopes, needs)
    _require_mail_rules(ctx, needs)


async def require_for_call(
    ctx: Resources, scopes: Scopes, request: CallRequest, speaker: Speaker | None = None
) -> None:
    """`speaker` is what the requested agent was resolved to. A registered agent was checked
    when it was registered, against its own line, or against all where it names none; on another
    line it is checked again. Raises ScopeMissing, UnknownLine."""
    lines = ctx.lines.of_tenant(ctx.tenant)
    line = lines[lines.choose(request.line)]
    needs = [*_risks(len(request.accept_risk))]
    needs += await _caller_id(ctx, "caller_id", line, request.caller_id)
    registered = speaker.registered if speaker is not None else None
    if speaker is not None and registered is not None and registered.line in (None, line.name):
        own = Agent(id=registered.remote_id, settings=dict(speaker.own_settings))
        needs += _agent("agent", line, own, registered=True)
    else:
        needs += _agent("agent", line, request.agent)
    _require(scopes, needs)


def require_for_agent(ctx: Resources, scopes: Scopes, values: Mapping[str, Any]) -> None:
    """For an agent that is registered or changed; without a line it may speak on any.

    Raises ScopeMissing, UnknownLine.
    """
    lines = ctx.lines.of_tenant(ctx.tenant)
    name = values.get("line")
    remote = values.get("remote_id") or values.get("id") or "new"
    agent = Agent(id=remote, settings=values.get("settings") or {})
    chosen = [lines[name]] if name is not None else list(lines.values())
    _require(scopes, [need for line in chosen for need in _agent("agent", line, agent)])


def require_for_number(ctx: Resources, scopes: Scopes, phone: str, line: str | None = None) -> None:
    """For a number that is registered so that calls on a line may show it, on any line without
    one. Raises ScopeMissing, UnknownLine."""
    lines = ctx.lines.of_tenant(ctx.tenant)
    shown_by = [lines[line]] if line is not None else list(lines.values())
    if not shown_by or not all(_same_number(phone, one.policy.caller_ids) for one in shown_by):
        _require(scopes, [_foreign_number("phone", phone)])


def _require(scopes: Scopes, needs: list[Need]) -> None:
    for need in needs:
        if not allows(scopes, need.scope):
            raise ScopeMissing(need.scope, need.what)


def _require_mail_rules(ctx: Resources, needs: list[Need]) -> None:
    if any(need.scope == SEND_MAIL for need in needs) and not ctx.mail_recipients:
        raise RequestRefused(
            "callbacks: found do: email, but mail.recipients in the settings names nobody to whom "
            "definitions and people sent by API may have mail written"
        )


def _require_headers(ctx: Resources, definition: CampaignDefinition) -> None:
    for at, callback in enumerate(definition.callbacks):
        for name in callback.headers:
            problem = keyed_header_problem(name, ctx.callback_headers)
            if problem is not None:
                raise RequestRefused(f"callbacks[{at}].headers: {problem}")


def _risks(count: int) -> Iterator[Need]:
    if count:
        yield Need(ACCEPT_RISKS, "accept_risk sets calling rules aside")


def _callback(where: str, callback: Callback) -> Iterator[Need]:
    if callback.do is CallbackKind.EMAIL:
        yield Need(SEND_MAIL, f"{where}: do: email sends mail in the operator's name")
    if callback.auth is not None:
        yield Need(USE_SECRETS, f"{where}: auth sends a secret of the settings")


def _agent(where: str, line: Line, agent: Agent, *, registered: bool = False) -> Iterator[Need]:
    beyond = line.provider.beyond_speech(None if registered else agent.id, agent.settings)
    if beyond:
        named = ", ".join(beyond[:5])
        yield Need(OVERRIDE_DIALING, f"{where}: {named} can change what line {line.name} dials")


async def _caller_id(ctx: Resources, where: str, line: Line, number: str | None) -> list[Need]:
    if number is None or _same_number(number, line.policy.caller_ids):
        return []
    kept: PhoneNumber | None = await directory.find(
        ctx, directory.PHONE_NUMBERS, phone=_e164(number), is_active=True
    )
    good = kept is not None and kept.line in (None, line.name)
    return [] if good else [_foreign_number(where, number)]


def _foreign_number(where: str, number: str) -> Need:
    return Need(OVERRIDE_DIALING, f"{where}: {number[:50]!r} is no caller id of the line")


def _same_number(number: str, numbers: tuple[str, ...]) -> bool:
    return _e164(number) in {_e164(one) for one in numbers}


def _e164(number: str) -> str:
    try:
        return parse_phone(number)
    except BadPhone:
        return number
