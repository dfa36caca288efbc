"""Results of a campaign: what became of each recipient so far, by page, all of them, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from outdial.domain.record import CallRecord, RecipientRecord
from outdial.domain.spreadsheets import escape_cell
from outdial.resources.resources import Resources
from outdial.services.errors import Collision
from outdial.services.operations.reading import require_campaign
from outdial.store.roster import roster
from outdial.store.roster.positions import read_variables

PAGE = 500
"""Recipients read in one transaction."""
MOST_VARIABLES = 1000
"""Variables that have a column of their own: each is a cell of every line."""
_OTHERS = "other_variables"
_OF_RECIPIENT = ("phone", "state", "outcome", "reason", "attempts", "not_before")
_OF_CALL = ("status", "answered_by", "disposition", "duration_seconds", "ended_at", "cost")
_COLUMNS = ("recipient", *_OF_RECIPIENT, "last_call", *_OF_CALL)
_NAMES = {"state": "recipient_state"}
"""Columns that a contact file would take for something else: `state` is where somebody lives."""


@dataclass(frozen=True)
class Result:
    """What became of one recipient of a campaign, so far."""

    recipient: RecipientRecord
    last: CallRecord | None

    @property
    def values(self) -> dict[str, Any]:
        """Its values by name; those of a call are None for somebody who was not called."""
        called: dict[str, Any] = dict.fromkeys(_OF_CALL)
        if self.last is not None:
            called = self.last.model_dump(include=set(_OF_CALL))
        return {
            "recipient": self.recipient.id,
            **self.recipient.model_dump(include=set(_OF_RECIPIENT)),
            "last_call": self.last.id if self.last else None,
            **called,
        }


async def list_results(
    ctx: Resources, name: str, *, limit: int, after: int | None = None
) -> list[Result]:
    """Recipients of the present launch by position, with their last calls. Raises
    NoSuchCampaign."""
    record = await require_campaign(ctx, name)

    def work(s: Session) -> list[Result]:
        recipients = roster.list_recipients(
            s, record.id, launch=record.launch, limit=limit, after=after
        )
        last = roster.last_calls(s, [one.id for one in recipients])
        return [Result(one, last.get(one.id)) for one in recipients]

    return await ctx.database.read(work)


async def first_results(ctx: Resources, name: str, limit: int) -> list[Result]:
    """The first `limit` results, read a page at a time. Raises NoSuchCampaign."""
    results: list[Result] = []
    async for page in _pages(ctx, name, limit):
        results += page
    return results


async def results_csv(ctx: Resources, name: str) -> AsyncIterator[str]:
    """All results as lines of a CSV file, with one page in memory at a time.

    Variables are columns named `var_…`, `state` is `recipient_state`. Of more than MOST_VARIABLES
    the others are in one column, `other_variables`, as JSON. It can be read as a contact
    file: what a spreadsheet would take for a formula stands behind an apostrophe, which reading
    takes away again. Raises NoSuchCampaign, and Collision when somebody got a variable meanwhile
    that nobody had.
    """
    variables, others = await _variables(ctx, name)
    named = [_NAMES.get(column, column) for column in _COLUMNS]
    yield _line([*named, *(f"var_{key}" for key in variables), *([_OTHERS] if others else [])])
    columns = frozenset(variables)
    async for page in _pages(ctx, name):
        for result in page:
            values, own = _in_json(result), result.recipient.variables
            cells = [values[c] for c in _COLUMNS] + [own.get(key) for key in variables]
            left = {key: value for key, value in own.items() if key not in columns}
            if left and not others:
                raise Collision(
                    f"recipients of {name} got the variable {min(left)!r} meanwhile, which is no "
                    "column of what was written; ask for the results again"
                )
            if others:
                cells.append(json.dumps(left, ensure_ascii=False, sort_keys=True) if left else None)
            yield _line(cells)


async def _variables(ctx: Resources, name: str) -> tuple[list[str], bool]:
    """The variables that have a column, those of the first recipients if there are too many; and
    whether there are others."""
    record = await require_campaign(ctx, name)
    keys: set[str] = set()
    after: int | None = None
    while True:
        page = await ctx.database.read(
            lambda s, after=after: read_variables(  # type: ignore[misc]
                s, record.id, record.launch, after=after, limit=PAGE
            )
        )
        for _, own in page:
            for key in own:
                if key not in keys and len(keys) == MOST_VARIABLES:
                    return sorted(keys), True
                keys.add(key)
        if len(page) < PAGE:
            return sorted(keys), False
        after = page[-1][0]


async def _pages(
    ctx: Resources, name: str, limit: int | None = None
) -> AsyncIterator[Sequence[Result]]:
    """The results, a page at a time; the first page may be empty, no other is."""
    after, left = None, limit
    while True:
        size = PAGE if left is None else min(PAGE, left)
        page = await list_results(ctx, name, limit=size, after=after)
        if page or after is None:
            yield page
        if len(page) < size:
            return
        after = page[-1].recipient.position
        left = None if left is None else left - len(page)
        if left == 0:
            return


def _in_json(result: Result) -> dict[str, Any]:
    """Its values as JSON has them: instants as the API shows them."""
    recipient = result.recipient.model_dump(mode="json", include=set(_OF_RECIPIENT))
    called = {} if result.last is None else result.last.model_dump(mode="json")
    return result.values | recipient | {key: called.get(key) for key in _OF_CALL}


def _line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(
        ["" if value is None else escape_cell(str(value)) for value in values]
    )
    return buffer.getvalue()
