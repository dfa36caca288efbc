"""Results of a campaign: what became of each recipient so far, by page, all of them, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from outdial.domain.record import CallRecord, RecipientRecord
from outdial.domain.spreadsheets import escape_cell
from outdial.resources.resources import Resources
from outdial.services.operations.reading import require_campaign
from outdial.store.roster import roster

PAGE = 500
"""Recipients read in one transaction."""
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

    Variables are columns named `var_…`, `state` is `recipient_state`. It can be read as a contact
    file: what a spreadsheet would take for a formula stands behind an apostrophe, which reading
    takes away again. Raises NoSuchCampaign.
    """
    variables: list[str] | None = None
    async for page in _pages(ctx, name):
        if variables is None:
            variables = sorted({key for one in page for key in one.recipient.variables})
            named = [_NAMES.get(column, column) for column in _COLUMNS]
            yield _line([*named, *(f"var_{key}" for key in variables)])
        for result in page:
            values, own = _in_json(result), result.recipient.variables
            yield _line([values[c] for c in _COLUMNS] + [own.get(key) for key in variables])


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
