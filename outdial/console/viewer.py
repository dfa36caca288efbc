"""Who looks at a page: the session of the request's cookie, and the key behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from fastapi.responses import Response

from outdial.api.state import state_of
from outdial.resources.resources import Resources
from outdial.services.accounts.access import Caller
from outdial.services.accounts.sign_in import ConsoleSession, resume
from outdial.services.errors import KeyRefused, ScopeMissing

COOKIE = "outdial_console"


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in."""

    caller: Caller
    token: str
    """Of the session; what its forms and notices are signed with."""

    @property
    def ctx(self) -> Resources:
        return self.caller.ctx

    def may(self, scope: str) -> bool:
        return self.caller.may(scope)


@dataclass(frozen=True, eq=False)
class _Needs:
    scope: str

    async def __call__(self, request: Request) -> Viewer:
        return await viewer_of(request, self.scope)


def needs(scope: str) -> Any:
    """A dependency: the viewer, whose key holds this scope."""
    return Depends(_Needs(scope))


async def viewer_of(request: Request, scope: str) -> Viewer:
    """Raises KeyRefused, KeyDisabled, ScopeMissing."""
    token = request.cookies.get(COOKIE)
    if not token:
        raise KeyRefused("nobody is signed in")
    viewer = Viewer(await resume(state_of(request).context, token), token)
    request.state.viewer = viewer
    for each in scope.split():
        if not viewer.may(each):
            raise ScopeMissing(each)
    return viewer


def start_session(request: Request, response: Response, session: ConsoleSession) -> None:
    """Have the browser keep a session's token: for the console alone, out of reach of scripts, and
    never sent along with what another site asks for."""
    response.set_cookie(
        COOKIE,
        session.token,
        max_age=int(session.lasts.total_seconds()),
        path=request.scope["root_path"],
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def end_session(request: Request, response: Response) -> None:
    response.delete_cookie(COOKIE, path=request.scope["root_path"], httponly=True,
                           samesite="strict")  # fmt: skip
