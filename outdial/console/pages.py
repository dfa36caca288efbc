"""Renders the console's pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadSignature, Signer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from outdial.api.state import state_of
from outdial.console.assets import versions
from outdial.console.forms import TOKEN_FIELD, form_token
from outdial.console.viewer import Viewer
from outdial.console.wording import FILTERS
from outdial.domain.access import READ_LOG

_TEMPLATES = Path(__file__).parent / "templates"
_SECTIONS = (
    ("/", "Campaigns", "campaigns:read"),
    ("/people", "People", "calls:read campaigns:read"),
    ("/calls", "Calls", "calls:read"),
    ("/lines", "Lines", "lines:read"),
    ("/suppressions", "Suppressions", "suppressions:read"),
    ("/keys", "Keys", "keys:read"),
    ("/log", "Log", READ_LOG),
)
"""What the head of a page leads to, for those who may see it."""


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    secret: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page. `secret` is what its forms are signed with, where nobody is signed in."""
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    if viewer is not None:
        secret = viewer.token
    base = request.scope["root_path"]
    text = (
        _environment()
        .get_template(template)
        .render(
            values,
            base=base,
            viewer=viewer,
            may=lambda scope: viewer is not None and viewer.may(scope),
            asset=lambda name: f"{base}/assets/{name}?v={versions()[name]}",
            token_field=TOKEN_FIELD,
            form_token=None if secret is None else form_token(secret),
            notice=_notice(request, viewer),
            now=state_of(request).context.clock(),
            sections=[]
            if viewer is None
            else [each for each in _SECTIONS if all(map(viewer.may, each[2].split()))],
            section=_section_of(request.url.path.removeprefix(base)),
        )
    )
    return HTMLResponse(text, status)


def _section_of(path: str) -> str:
    """The section that a page belongs to; campaigns, launches and changes are the first."""
    others = [each for each, _, _ in _SECTIONS[1:] if path.startswith(each)]
    return others[0] if others else "/"


def see_other(
    request: Request, path: str, notice: str | None = None, query: Mapping[str, str] | None = None
) -> RedirectResponse:
    """Go on to another page of the console, which shows a notice once."""
    given = dict(query or {})
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    if notice is not None and viewer is not None:
        given["notice"] = _notices(viewer).sign(notice).decode()
    url = request.scope["root_path"] + path + (f"?{urlencode(given)}" if given else "")
    return RedirectResponse(url, 303)


def of_campaign(name: str, *parts: str) -> str:
    """The path of a campaign's page."""
    return "/".join(("/campaigns", quote(name, safe=""), *parts))


def _notice(request: Request, viewer: Viewer | None) -> str | None:
    """The notice of the address; signed, so that a link from elsewhere shows no text of its own."""
    signed = request.query_params.get("notice")
    if signed is None or viewer is None:
        return None
    try:
        return _notices(viewer).unsign(signed).decode()
    except BadSignature:
        return None


def _notices(viewer: Viewer) -> Signer:
    return Signer(viewer.token, salt="console notice")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    return environment
