"""Statements that may read more than they return, and why."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import NamedTuple

from tests.history.measuring import Cost


class Excepted(NamedTuple):
    operation: str
    """A pattern of its name."""
    has: str
    """What the statement contains."""
    reason: str


EXCEPTIONS = (
    Excepted("GET /v1/deliveries endpoint & no type", "delivery", "an endpoint without that type"),
    Excepted("an_audit", "receipt", "an audit reads all that it vouches for"),
    *(
        Excepted(operation, "recipient", "steps of a bounded number of rows")
        for operation in ("an_edit_of_a_large_campaign", "a_budget_for_a_large_campaign")
    ),
    *(
        Excepted("canaries_of_campaigns", statement, "one step of a bounded number of rows")
        for statement in ("position BETWEEN", "max(anon_1.position)", "AS present")
    ),
    Excepted(
        "GET /v1/campaigns/{name}/report*", "callback_entry", "a look-up for each call of a page"
    ),
    Excepted(
        "GET /v1/campaigns/{name}/report*", "appointment", "a look-up for each call of a page"
    ),
    Excepted("GET /v1/campaigns/{name}/report*", "receipt", "a look-up for each call of a page"),
    Excepted(
        "GET /v1/campaigns/{name}/report*", "budget_hold", "a look-up for each call of a page"
    ),
    Excepted(
        "a_revision_with_recipients", "position BETWEEN", "one step of a bounded number of rows"
    ),
    Excepted(
        "a_revision_with_recipients", "max(anon_1.position)", "one step of a bounded number of rows"
    ),
    Excepted(
        "requests_that_wait_for_a_full_line", "position", "one step of a bounded number of rows"
    ),
    Excepted("many_calls_at_once", "unnest", "three pages of an index for each of 150 values"),
    Excepted("*", "LIKE", "a search for a part of a text reads the directory or the roster"),
    Excepted("*", "ESCAPE", "a search for a part of a text reads the directory"),
    Excepted(
        "GET /compat/*", "count(", "counted up to a bound, for a page that says how many there are"
    ),
    Excepted(
        "totals_of_lists",
        "count(",
        "counted up to a bound, for a page that says how many there are",
    ),
    Excepted("deliveries_sent", "tenants_due", "endpoints that are due, which are not history"),
    Excepted("gauges_read", "held", "calls in flight, counted up to a bound"),
    Excepted("calls_of_a_large_campaign", "count(", "counted up to a bound"),
)


def reason_for(statement: str, cost: Cost) -> str | None:
    for each in EXCEPTIONS:
        if fnmatch(cost.operation, each.operation) and each.has in statement:
            return each.reason
    return None
