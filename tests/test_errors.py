"""Every error of ours has one root and a code of its own, and each door knows what it may meet."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import activities
import outdial
import worker
import workflows
from outdial.api.compat.refusals import install_refusals
from outdial.api.statuses import HTTP_STATUS
from outdial.api.v1.problems import PROBLEM_CODE, install_problems
from outdial.calendars.expansion import TooLong
from outdial.cli.exit_codes import EXIT_CODE
from outdial.dispatch.errors import TemporalRefused, TemporalUnavailable
from outdial.domain.errors import OutdialError
from outdial.domain.line.routing import UnknownLine
from outdial.intake.problems import DefinitionInvalid
from outdial.providers.errors import ProviderError
from outdial.providers.lines import NoLineChosen
from outdial.services.errors import QuotaUsedUp, ServiceError, TooManyRequests
from outdial.store.db.errors import StoreError
from tests.architecture import read_sources
from tests.test_architecture import ROOT

OUTSIDE = {TooLong}
"""No Exception at all, so that no library that forgives what it can't read catches it."""

BASES = {"outdial_error", "service_error", "store_error"}
"""Caught, never raised themselves."""

BELOW_DOORS = {
    # Become a problem of a definition, a request or a list of contacts
    "bad_phone", "number_not_allowed", "out_of_bounds", "unknown_place", "unknown_zone",
    "no_places_zone", "csv_not_opened", "csv_not_readable", "yaml_unreadable", "template_refused",
    "rendered_too_long", "render_failed", "url_refused", "host_name_unknown",
    # End or repeat an activity
    "calendar_conflict", "calendar_unavailable", "mail_refused", "mail_not_sent", "launch_refused",
    "addition_refused",
    # Become a refusal of the service that had Temporal do something
    "update_refused", "workflow_failed", "workflow_not_found",
    # Raised by the client of the API, in other services
    "api_error", "api_unreachable", "webhook_not_verified",
    # Answered to an agent's tool, by the simulated network, and as StackFailed
    "calendar_timed_out", "simulated_refusal", "process_failed",
}  # fmt: skip
"""Caught below every door, which would answer them as defects."""

OWN_COMMANDS = {
    "settings_invalid", "stack_failed", "stack_running", "stack_gone", "nothing_launched",
    "temporal_unreachable", "temporal_mismatch", "interrupted",
}  # fmt: skip
"""Of starting and interrupting processes: over HTTP they can't happen."""

DEFECTS_OVER_HTTP = {"unknown_appointment", "unknown_campaign", "unknown_call"}
"""Rows that a request has read before: that they are gone is a defect."""


def modules() -> Iterator[Any]:
    yield worker
    for package in (outdial, activities, workflows):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Run by alembic and by `python -m`, where they do what they are for when imported.
            if ".migrations" not in info.name and not info.name.endswith(".__main__"):
                yield importlib.import_module(info.name)


ERRORS = {
    value
    for module in modules()
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, BaseException)
    and value.__module__ == module.__name__
}
OURS = sorted(
    (kind for kind in ERRORS if issubclass(kind, OutdialError)), key=lambda kind: kind.code
)
CODES = [kind.code for kind in OURS]


def codes_of(*roots: type[OutdialError]) -> set[str]:
    return {kind.code for kind in OURS if issubclass(kind, roots)} - BASES


def test_there_is_one_root() -> None:
    assert len(OURS) > 50
    assert set(ERRORS) - set(OURS) == OUTSIDE


def test_none_is_defined_where_it_is_not_found() -> None:
    """A class within a function is in no module's names."""
    nested = [
        f"{source.path}:{number}"
        for source in read_sources(ROOT)
        if source.path.parts[0] in ("outdial", "activities", "workflows", "worker.py")
        for number, line in enumerate(source.text.splitlines(), 1)
        if re.match(r"\s+class \w+\(.*(Error|Exception)\b", line)
    ]
    assert nested == []


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_each_has_a_code_of_its_own(kind: type[OutdialError]) -> None:
    assert "code" in vars(kind), "a subclass is another error: give it a code"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert CODES.count(kind.code) == 1


def test_the_maps_know_no_code_that_is_no_errors() -> None:
    assert set(HTTP_STATUS) | set(EXIT_CODE) | set(PROBLEM_CODE) <= set(CODES)


def test_each_code_is_in_the_maps_or_caught_below_them() -> None:
    at_doors = set(HTTP_STATUS) | set(EXIT_CODE)
    assert set(CODES) == at_doors | BASES | BELOW_DOORS
    assert not at_doors & (BASES | BELOW_DOORS)
    assert set(EXIT_CODE) - set(HTTP_STATUS) == OWN_COMMANDS | DEFECTS_OVER_HTTP


def test_what_services_and_the_store_raise_is_known_at_every_door_of_ours() -> None:
    temporal = (TemporalRefused, TemporalUnavailable)
    raised = codes_of(ServiceError, StoreError, *temporal, UnknownLine, DefinitionInvalid)
    v1 = {code for code, status in HTTP_STATUS.items() if status.v1 is not None}
    assert raised - DEFECTS_OVER_HTTP <= v1
    assert raised <= set(EXIT_CODE)
    codes = codes_of(ServiceError, *temporal, UnknownLine, ProviderError)
    assert codes <= {code for code, status in HTTP_STATUS.items() if status.compat is not None}


def test_each_problem_has_a_code() -> None:
    by_status = {"body_too_large", "body_too_slow"}
    v1 = {code for code, status in HTTP_STATUS.items() if status.v1 is not None}
    assert v1 - by_status == set(PROBLEM_CODE)


def raised(kind: type[OutdialError]) -> OutdialError:
    """An error of this class, whatever its constructor wants to know."""
    if kind is NoLineChosen:
        return NoLineChosen([])
    if kind is UnknownLine:
        return UnknownLine("north", [])
    if kind is DefinitionInvalid:
        return DefinitionInvalid([])
    if kind is TemporalRefused:
        return TemporalRefused("said", "nothing was done")
    error = kind.__new__(kind, "said")
    if issubclass(kind, TooManyRequests | QuotaUsedUp):
        vars(error).update(retry_after=3, usage=None)
    return error


def answering(app: FastAPI, error: OutdialError) -> httpx.AsyncClient:
    @app.get("/")
    async def refuse() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


OVER_HTTP = [kind for kind in OURS if not issubclass(kind, HTTPException)]


@pytest.mark.parametrize("kind", OVER_HTTP, ids=lambda kind: kind.__name__)
async def test_v1_answers_by_the_maps(kind: type[OutdialError]) -> None:
    app = FastAPI()
    install_problems(app)
    async with answering(app, raised(kind)) as http:
        answer = await http.get("/")
    status = HTTP_STATUS[kind.code].v1 if kind.code in HTTP_STATUS else None
    expected = (500, "internal") if status is None else (status, PROBLEM_CODE[kind.code])
    assert (answer.status_code, answer.json()["code"]) == expected


@pytest.mark.parametrize("kind", OVER_HTTP, ids=lambda kind: kind.__name__)
async def test_compatible_apis_answer_by_the_map(kind: type[OutdialError]) -> None:
    def write(request: Request, status: int, text: str, headers: object) -> Response:
        return JSONResponse(text, status)

    app = FastAPI()
    install_refusals(app, write)
    async with answering(app, raised(kind)) as http:
        answer = await http.get("/")
    status = HTTP_STATUS[kind.code].compat if kind.code in HTTP_STATUS else None
    assert answer.status_code == (status or 500)


def test_a_line_that_nobody_chose_is_one_that_is_unknown() -> None:
    assert issubclass(NoLineChosen, UnknownLine)
    assert HTTP_STATUS[NoLineChosen.code] == HTTP_STATUS[UnknownLine.code]


async def test_what_temporal_refuses_is_not_to_be_sent_again() -> None:
    """Its own text names what an operator has set up: only ours says what became of the request."""
    doing = "reminder is written down, and starts by itself later"
    error = TemporalRefused("Namespace nowhere is not found.", doing)
    app = FastAPI()
    install_problems(app)
    async with answering(app, error) as http:
        answer = await http.get("/")
    assert (answer.status_code, answer.json()["code"]) == (502, "temporal_refused")
    assert "retry-after" not in answer.headers
    assert "nowhere" not in answer.text
    assert doing in answer.json()["detail"]
