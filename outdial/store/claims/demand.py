"""Demand: which campaigns have recipients ready that a line has no slot for.

Each claim stores its own campaign's, so that claims of others on the line share by what everybody
can use now: one row for each campaign that waits. A campaign that is kept waiting by a limit of its
own, or has nobody ready, has none. Slots that a claim leaves for others are offered to them: their
workflows are woken, and one that does not claim soon no longer counts until it does.

Rows of other campaigns are changed only while their line is locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, delete, func, select, update
from sqlmodel import Session

from outdial.contracts.names import campaign_workflow_id
from outdial.domain.line.capacity import LINE_RETRY
from outdial.domain.line.sharing import Claimant
from outdial.domain.record import CampaignRecord
from outdial.store.db.bulk import among
from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import campaign, line_demand

OFFER_HOLDS = timedelta(seconds=5)
"""How long a slot is kept for a campaign that was woken for it."""
LINE_LOOK = timedelta(milliseconds=250)
"""How often all campaigns that wait for a line look at it, taken together."""

_OF_TENANT = line_demand.c.tenant == bindparam("of_tenant")
_OF_LINES = (_OF_TENANT, line_demand.c.line.in_(bindparam("names", expanding=True)))
_COUNTS = line_demand.c.expires_at > bindparam("now")
_WAITING = select(line_demand).where(*_OF_LINES, _COUNTS)
_LINES_WAITED_FOR = select(line_demand.c.line).distinct().where(*_OF_LINES, _COUNTS)
_ALL_WAITED_FOR = select(line_demand.c.line).distinct().where(_OF_TENANT, _COUNTS)
_COUNT = (
    select(func.count())
    .select_from(line_demand)
    .where(_OF_TENANT, line_demand.c.line == bindparam("of_line"), _COUNTS)
)
_OFFER = (
    update(line_demand)
    .where(line_demand.c.line == bindparam("of_line"), among(line_demand.c.campaign_id, "ids"))
    .values(offered_at=bindparam("now"))
)
_LEAVE = delete(line_demand).where(line_demand.c.campaign_id == bindparam("of_campaign"))
_LEAVE_OTHERS = _LEAVE.where(line_demand.c.line.not_in(bindparam("names", expanding=True)))
_WORKFLOWS = select(campaign.c.tenant, campaign.c.name).where(among(campaign.c.id, "ids"))


@dataclass(frozen=True, slots=True)
class Demand:
    """A campaign that waits for a line, as another one's claim reads it."""

    campaign_id: int
    wants: int
    weight: int
    since: datetime
    offered_at: datetime | None

    def claimant(self, held: int, now: datetime) -> Claimant:
        waited = max(0.0, (now - self.since).total_seconds())
        return Claimant(self.campaign_id, held, max(self.wants, held), self.weight, waited)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a claim's own campaign still wants of a line."""

    line: str
    wants: int
    """Slots it can use now, those that it holds included."""
    served: bool
    """It got a slot of the line in this claim."""
    expires_at: datetime
    """When the last of those who wait can't be called any more."""


def read_demand(
    s: Session, record: CampaignRecord, names: Sequence[str], now: datetime
) -> Mapping[str, list[Demand]]:
    """The campaigns that wait, by line, without others that were offered a slot and did not claim.

    The campaign of `record` is claiming now: it keeps the place that its wait gives it, however
    late it answers.
    """
    by_line: dict[str, list[Demand]] = defaultdict(list)
    if not names:
        return by_line
    of_lines = {"of_tenant": record.tenant, "names": list(names), "now": now}
    for row in s.connection().execute(_WAITING, of_lines):
        kept = row.offered_at is None or row.offered_at + OFFER_HOLDS > now
        if kept or row.campaign_id == record.id:
            by_line[row.line].append(
                Demand(row.campaign_id, row.wants, row.weight, row.since, row.offered_at)
            )
    return by_line


def lines_waited_for(s: Session, record: CampaignRecord, now: datetime) -> list[str]:
    """Those of a campaign's lines that some campaign waits for."""
    if record.direct:
        of_tenant = {"of_tenant": record.tenant, "now": now}
        rows = s.connection().execute(_ALL_WAITED_FOR, of_tenant)
    else:
        names = [share.name for share in record.plan.shares]
        of_lines = {"of_tenant": record.tenant, "names": names, "now": now}
        rows = s.connection().execute(_LINES_WAITED_FOR, of_lines)
    return sorted(rows.scalars())


def look_again_after(s: Session, tenant: str, name: str, now: datetime) -> timedelta:
    """When a campaign looks at a full line again: the more wait for it, the later."""
    of_line = {"of_tenant": tenant, "of_line": name, "now": now}
    waiting = int(s.connection().execute(_COUNT, of_line).scalar_one())
    return max(LINE_RETRY, waiting * LINE_LOOK)


def offer(s: Session, name: str, campaign_ids: Iterable[int], now: datetime) -> list[str]:
    """Note that slots of a locked line are kept for campaigns; the workflows to be woken."""
    ids = sorted(campaign_ids)
    if not ids:
        return []
    s.connection().execute(_OFFER, {"of_line": name, "ids": ids, "now": now})
    rows = s.connection().execute(_WORKFLOWS, {"ids": ids})
    return [campaign_workflow_id(row.tenant, row.name) for row in rows]


def save_demand(
    s: Session, record: CampaignRecord, waits: Sequence[Waiting], now: datetime, *, stored: bool
) -> None:
    """Replace what is stored of a campaign's demand; `stored` says whether anything is."""
    if stored:
        here = {"of_campaign": record.id}
        if waits:
            names = [each.line for each in waits]
            s.connection().execute(_LEAVE_OTHERS, here | {"names": names})
        else:
            s.connection().execute(_LEAVE, here)
    for each in waits:
        values = {
            "tenant": record.tenant,
            "line": each.line,
            "campaign_id": record.id,
            "wants": each.wants,
            "weight": record.plan.pacing.weight,
            "since": now,
            "expires_at": each.expires_at,
            "offered_at": None,
        }
        new = insert_into(s, line_demand).values(values)
        kept = {
            name: new.excluded[name] for name in ("wants", "weight", "expires_at", "offered_at")
        }
        since = case((bindparam("served"), new.excluded.since), else_=line_demand.c.since)
        saved = new.on_conflict_do_update(
            index_elements=["campaign_id", "line"], set_=kept | {"since": since}
        )
        s.connection().execute(saved, {"served": each.served})
