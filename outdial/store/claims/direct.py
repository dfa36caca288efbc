"""The due scan of a direct campaign, line by line: requests bring lines of their own, and no more
of them are made ready for a line than it takes soon."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from outdial.domain.call.batches import SLACK
from outdial.domain.decision.decision import Dial
from outdial.domain.line.capacity import LineCapacity
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rulebook import Rulebook
from outdial.store.claims.candidates import Recipient, scan_due
from outdial.store.claims.limits import line_capacity
from outdial.store.claims.ready import needed
from outdial.store.claims.request_lines import first_closing, first_due
from outdial.store.claims.scan import DueScan


def scan_requests(
    s: Session,
    record: CampaignRecord,
    rulebook: Rulebook,
    free: int,
    wanted: int,
    now: datetime,
    *,
    at_most: int,
) -> tuple[DueScan, list[tuple[Recipient, Dial]], LineCapacity]:
    """Decide about requests that are due, then lock their lines: `free` in this claim, of the
    `wanted` that the campaign could start. The line of the first that is due comes first.

    What a line takes is estimated before it is locked. Where it turns out to be more, the next
    claim follows at once.
    """
    lines = _lines_due(s, record, now)
    estimate = line_capacity(s, record, lines, wanted, now, lock=False)
    scan, ready = DueScan(), list[tuple[Recipient, Dial]]()
    for line in lines:
        enough = min(free, max(estimate.free_for(line), SLACK))
        need, left = needed(s, record, enough, now, line), at_most - scan.decisions
        of_line, callable_now = scan_due(
            s, record, rulebook, need=need, at_most=left, now=now, put_off=False, line=line
        )
        scan = scan.beside(of_line)
        ready += callable_now
    groups = {*scan.unread, *(each.group for each, _ in ready)}
    return scan, ready, line_capacity(s, record, groups, wanted, now)


def _lines_due(s: Session, record: CampaignRecord, now: datetime) -> list[str]:
    """Lines with requests to be decided about, those that are due first before the others."""
    at = first_due(s, record)
    for line, closes_at in first_closing(s, record).items():
        at[line] = min(closes_at, at.get(line, closes_at))
    return sorted((line for line in at if at[line] <= now), key=lambda line: (at[line], line))
