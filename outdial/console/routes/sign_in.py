"""Signing in, by a key or a link, and out."""

from __future__ import annotations

import ipaddress
import secrets

from fastapi import APIRouter, Request
from fastapi.responses import Response

from outdial.api.state import state_of
from outdial.console.forms import Submission, read_form, submits
from outdial.console.pages import render, see_other
from outdial.console.viewer import end_session, start_session
from outdial.services.accounts import sign_in
from outdial.services.accounts.keys import LONGEST
from outdial.services.errors import KeyDisabled, KeyRefused

router = APIRouter()
FORM_COOKIE = "outdial_console_form"
"""Holds what the sign-in form is signed with: there is no session yet."""
_SECRET_BYTES = 32
_LINK_REFUSED = (
    "This link is not good any more: it signs in once, within 15 minutes, and on the machine that "
    "it was made on. Sign in with a key."
)


@router.get("/sign-in")
async def show_sign_in(request: Request, token: str | None = None) -> Response:
    """The form for a key; with the token of a link, the campaigns."""
    if token is None:
        return _form(request)
    if not _from_this_machine(request):
        return _form(request, 403, _LINK_REFUSED)
    session = await sign_in.redeem_link(state_of(request).context, token)
    if session is None:
        return _form(request, 403, _LINK_REFUSED)
    response = see_other(request, "/")
    start_session(request, response, session)
    return response


@router.post("/sign-in")
async def sign_in_with_key(request: Request) -> Response:
    form = await read_form(request, request.cookies.get(FORM_COOKIE) or secrets.token_hex())
    text = str(form.get("key", "")).strip()[: LONGEST + 1]
    state = state_of(request)
    address = request.client.host if request.client else "unknown"
    try:
        session = await sign_in.sign_in(
            state.context, text, address=address, rules=state.policy.rules
        )
    except KeyRefused:
        return _form(request, 401, "There is no such key, or it was revoked or has expired.")
    except KeyDisabled:
        return _form(request, 403, "The key is switched off.")
    response = see_other(request, "/")
    start_session(request, response, session)
    response.delete_cookie(FORM_COOKIE, path=request.scope["root_path"])
    return response


@router.post("/sign-out")
async def sign_out(request: Request, submission: Submission = submits("")) -> Response:
    await sign_in.sign_out(submission.viewer.ctx, submission.viewer.token)
    response = see_other(request, "/sign-in")
    end_session(request, response)
    return response


def _form(request: Request, status: int = 200, problem: str | None = None) -> Response:
    secret = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(_SECRET_BYTES)
    response = render(request, "sign_in.html", status=status, secret=secret, problem=problem)
    response.set_cookie(
        FORM_COOKIE,
        secret,
        path=request.scope["root_path"],
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _from_this_machine(request: Request) -> bool:
    """Whether a browser on this machine asks for an address of this machine, not a proxy for
    somebody else."""
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip", "via"} & set(request.headers)
    client = "" if request.client is None else request.client.host
    return not forwarded and _is_loopback(client) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
