"""Rulings: a tenant's own rules and blocks, read by every claim and every fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.purpose import Purpose
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Block, Rulebook, shipped_rulebook
from outdial.store.campaign.campaigns import campaign_record
from outdial.store.campaign.gate import shut_gates
from outdial.store.claims.state import lock_claim_state, save_claim_state
from outdial.store.db.tables import campaign, ruling
from outdial.store.roster.requeue import FROM_THE_START

RULE, BLOCK = "rule", "block"

_IN_FORCE = (
    select(ruling.c.kind, ruling.c.body, ruling.c.until)
    .where(ruling.c.tenant == bindparam("of_tenant"), ruling.c.ended_at.is_(None))
    .order_by(ruling.c.kind, ruling.c.name, ruling.c.id)
)


def read_rulebook(s: Session, tenant: str, now: datetime) -> Rulebook:
    """The rules in force at `now`: those that ship, the tenant's own, and blocks."""
    rows = s.connection().execute(_IN_FORCE, {"of_tenant": tenant}).all()
    if not rows:
        return shipped_rulebook()
    rules = tuple(row.body for row in rows if row.kind == RULE)
    blocks = tuple(row.body for row in rows if row.kind == BLOCK and row.until > now)
    return _rulebook(rules, blocks)


@lru_cache(maxsize=64)
def _rulebook(rules: tuple[str, ...], blocks: tuple[str, ...]) -> Rulebook:
    """Cached, together with everything computed from it."""
    return Rulebook(
        [Rule.model_validate_json(body) for body in rules],
        [Block.model_validate_json(body) for body in blocks],
    )


def replace_rules(s: Session, tenant: str, rules: Sequence[Rule], *, now: datetime) -> int:
    """Put these in place of the tenant's own rules; how many there were before."""
    held = _hold(s, tenant, claims=True)
    before = s.connection().execute(
        update(ruling)
        .where(ruling.c.tenant == tenant, ruling.c.kind == RULE, ruling.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    if rules:
        rows = [_row(tenant, RULE, rule.id, rule.model_dump_json(), None, now) for rule in rules]
        s.connection().execute(insert(ruling), rows)
    _requeue(s, held)
    return int(before.rowcount)


def block(s: Session, tenant: str, blocked: Block, *, now: datetime) -> bool:
    """Block a place until an instant; whether another block of that place was replaced."""
    before = _blocks(s, tenant, blocked.jurisdiction, blocked.purpose)
    # A new one waits for no claim: the fence refuses calls that are claimed meanwhile.
    held = _hold(s, tenant, claims=bool(before))
    replaced = _end_blocks(s, tenant, blocked.jurisdiction, blocked.purpose, now)
    row = _row(tenant, BLOCK, blocked.jurisdiction, blocked.model_dump_json(), blocked.until, now)
    s.connection().execute(insert(ruling), [row])
    if replaced:
        # It may end sooner now; a new block holds for every decision from now on.
        _requeue(s, held)
    return replaced


def unblock(
    s: Session, tenant: str, jurisdiction: str, purpose: Purpose | None = None, *, now: datetime
) -> bool:
    """Lift a block; False when there was none."""
    held = _hold(s, tenant, claims=True)
    lifted = _end_blocks(s, tenant, jurisdiction, purpose, now)
    if lifted:
        _requeue(s, held)
    return lifted


def _end_blocks(
    s: Session, tenant: str, jurisdiction: str, purpose: Purpose | None, now: datetime
) -> bool:
    ids = _blocks(s, tenant, jurisdiction, purpose)
    if ids:
        s.connection().execute(update(ruling).where(ruling.c.id.in_(ids)).values(ended_at=now))
    return bool(ids)


def _blocks(s: Session, tenant: str, jurisdiction: str, purpose: Purpose | None) -> list[int]:
    """One block for each place and purpose; `purpose` is in the body."""
    query = select(ruling.c.id, ruling.c.body).where(
        ruling.c.tenant == tenant,
        ruling.c.kind == BLOCK,
        ruling.c.name == jurisdiction,
        ruling.c.ended_at.is_(None),
    )
    return [
        row.id
        for row in s.connection().execute(query)
        if Block.model_validate_json(row.body).purpose is purpose
    ]


def _row(
    tenant: str, kind: str, name: str, body: str, until: datetime | None, now: datetime
) -> dict[str, object]:
    return {
        "tenant": tenant,
        "kind": kind,
        "name": name,
        "body": body,
        "until": until,
        "created_at": now,
    }


def _hold(s: Session, tenant: str, *, claims: bool) -> list[int]:
    """Lock fences of a tenant's campaigns out until the transaction ends; `claims`: those, too.

    Before any row is locked, as `store.campaign.gate` says. What gets stricter holds at every fence
    that passes its gate from then on.
    """
    held = [record.id for record in open_campaigns(s, tenant)]
    for campaign_id in held if claims else ():
        lock_claim_state(s, campaign_id)
    shut_gates(s, held)
    return held


def _requeue(s: Session, held: Iterable[int]) -> None:
    """Requeue recipients that wait because of a rule; claims do it step by step."""
    for campaign_id in held:
        save_claim_state(s, campaign_id, requeue_from=FROM_THE_START)


def open_campaigns(s: Session, tenant: str) -> list[CampaignRecord]:
    """Campaigns of a tenant that may place calls, the direct one included, by id."""
    states = [CampaignState.RUNNING.value, CampaignState.PAUSED.value]
    query = select(campaign).where(campaign.c.tenant == tenant, campaign.c.state.in_(states))
    records = [campaign_record(row) for row in s.connection().execute(query).mappings()]
    # In the order of ids SQLite would look through all campaigns of the tenant.
    return sorted(records, key=lambda record: record.id)
