"""Recipients of a launch that rows of a file are about, with how far the campaign has got with
each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import RowMapping, select
from sqlmodel import Session

from outdial.domain.enrolled import EnrolledRecipient
from outdial.domain.money.spending import NOTHING_SPENT, Spending
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.domain.rules.location import LocatedDraft
from outdial.store.budget.holds import spending_of_people
from outdial.store.db.lookups import Lookup
from outdial.store.db.tables import call
from outdial.store.records import read_marks
from outdial.store.roster.merging import (
    among_listed,
    comes_back,
    match_row,
    merged_values,
    people_by_number,
)

_OUTCOMES = Lookup(
    select(call.c.recipient_id, call.c.number, call.c.outcome).where(
        call.c.is_attempt, call.c.settled_at.is_not(None)
    ),
    call.c.recipient_id,
    "ids",
)


def read_enrolled(
    s: Session,
    record: CampaignRecord,
    rows: Sequence[LocatedDraft],
    listed: Collection[str],
    currency: str | None = None,
) -> dict[int, EnrolledRecipient]:
    """The present launch's recipients that rows are about, by the rows' positions. `listed` are the
    first numbers of all rows of the file; `currency` is that of the budget, if there is one."""
    numbers = {draft.phone: draft.alternate_phones for draft in rows}
    present = people_by_number(s, record, record.launch, numbers, among_listed(listed))
    called = [person["id"] for person in present.values() if person["attempts"]]
    outcomes: dict[int, list[str]] = defaultdict(list)
    if called:
        for row in sorted(_OUTCOMES.execute(s, {"ids": called}), key=lambda row: row.number):
            outcomes[row.recipient_id].append(row.outcome)
    spending = dict[int, Spending]()
    if currency is not None:
        dialed = [person["id"] for person in present.values()]
        spending = spending_of_people(s, dialed, currency)
    return {
        draft.position: _enrolled(
            draft, person, outcomes[person["id"]], spending.get(person["id"], NOTHING_SPENT)
        )
        for draft in rows
        if (person := present.get(draft.phone)) is not None
    }


def _enrolled(
    draft: LocatedDraft, person: RowMapping, outcomes: Sequence[str], spending: Spending
) -> EnrolledRecipient:
    row: dict[str, Any] = {
        "phone": draft.phone,
        "alternate_phones": list(draft.alternate_phones),
        "variables": draft.variables,
        "consent": draft.consent,
        "zones": draft.zones,
    }
    new = merged_values(match_row(row, person))
    return EnrolledRecipient(
        state=RecipientState.WAITING if comes_back(person) else RecipientState(person["state"]),
        outcome=person["outcome"],
        reason=person["reason"] or "",
        phone=person["phone"],
        others=tuple(new["new_alternates"]),
        zones=new["new_zones"],
        consent=new["new_consent"],
        attempts=person["attempts"],
        outcomes=tuple(outcomes),
        not_before=person["not_before"],
        promised=person["promised"],
        marks=read_marks(person["line_marks"]),
        spending=spending,
    )
