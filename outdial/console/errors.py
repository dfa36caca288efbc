"""Every error of the console as a page that says what was wrong and what would be right."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from outdial.api.refused_fields import refused_fields
from outdial.api.statuses import status_of, text_of_error
from outdial.console.pages import render
from outdial.console.policy import add_policy
from outdial.domain.errors import OutdialError
from outdial.intake.problems import DefinitionInvalid, problem_lines
from outdial.services.errors import KeyDisabled, KeyRefused

log = logging.getLogger(__name__)

SIGN_IN = "/sign-in"


def install_error_pages(app: FastAPI) -> None:
    for kind in (KeyRefused, KeyDisabled):
        app.add_exception_handler(kind, _sign_in_again)
    app.add_exception_handler(OutdialError, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)


async def _sign_in_again(request: Request, error: Exception) -> Response:
    url = request.scope["root_path"] + SIGN_IN
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": url})
    return RedirectResponse(url, 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OutdialError)
    if isinstance(error, HTTPException):  # it carries its status
        return await _http_error(request, error)
    status = status_of(error, "v1")
    if status == 503:
        log.error("%s: %s", type(error).__name__, error)
    title = HTTPStatus(status).phrase
    if isinstance(error, DefinitionInvalid):
        title = "The campaign has problems"
    return _page(request, status, title, lines_of(error))


def lines_of(error: OutdialError) -> list[str]:
    """What an error says, a line for each problem."""
    if isinstance(error, DefinitionInvalid):
        return problem_lines(error.problems, error.omitted)
    return text_of_error(error).splitlines()


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    lines = [f"{'.'.join(one.place)}: {one.message}" for one in refused_fields(request, error)]
    return _page(request, 422, "The address is wrong", lines)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = "there is no such page" if error.status_code == 404 else error.detail
    return _page(request, error.status_code, HTTPStatus(error.status_code).phrase, [detail])


async def _defect(request: Request, error: Exception) -> Response:
    """Logged by the server; no detail of it is shown."""
    page = _page(request, 500, "Internal error", ["it has been logged"])
    add_policy(page.headers)  # it is made outside the middleware that does so
    return page


def _page(request: Request, status: int, title: str, lines: list[str]) -> Response:
    return render(request, "error.html", status=status, title=title, lines=lines)
