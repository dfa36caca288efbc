"""Canaries: their rows read and ended, recipients drawn into the arms, and first calls observed.

They are begun and decided in `store.campaign.canary_changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, bindparam, select, update
from sqlmodel import Session

from outdial.domain.canary.arms import Arm, arm_of, same_but_recipients
from outdial.domain.canary.evidence import Evidence, Observation
from outdial.domain.canary.record import CanaryRecord
from outdial.domain.canary.verdict import CanaryState, figures_of
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign.revisions import definition_at
from outdial.store.claims.state import save_claim_state
from outdial.store.db.bulk import among
from outdial.store.db.dialect import insert_into
from outdial.store.db.errors import CanaryRunning
from outdial.store.db.tables import (
    canary,
    canary_observation,
    claim_state,
    is_pending_observation,
    recipient,
)
from outdial.store.roster.requeue import end_of_step

_EVIDENCE = TypeAdapter(Evidence)
_FIELDS = tuple(CanaryRecord.model_fields.keys() - {"evidence"})
_BY_ID = select(canary).where(canary.c.id == bindparam("of_id"))
_OPEN = (RecipientState.WAITING.value, RecipientState.READY.value)
_DRAWN = (
    update(recipient)
    .where(among(recipient.c.id, "ids"), recipient.c.state.in_(_OPEN))
    .values(canary_id=bindparam("of_canary"), arm=bindparam("drawn_arm"))
)
_PENDING = (
    select(canary_observation)
    .where(canary_observation.c.canary_id == bindparam("of_canary"), is_pending_observation)
    .order_by(canary_observation.c.observed_at, canary_observation.c.recipient_id)
    .limit(bindparam("most"))
)
_COMPARED = (
    update(canary_observation)
    .where(
        canary_observation.c.canary_id == bindparam("of_canary"),
        among(canary_observation.c.recipient_id, "ids"),
    )
    .values(stratum=bindparam("in_stratum"))
)


# --- the row --------------------------------------------------------------------------------------


def read_canary(s: Session, canary_id: int) -> CanaryRecord:
    return _record(s.connection().execute(_BY_ID, {"of_id": canary_id}).mappings().one())


def find_running(s: Session, campaign_id: int) -> CanaryRecord | None:
    """The canary of a campaign that runs now."""
    query = (
        select(canary)
        .join(claim_state, claim_state.c.canary_id == canary.c.id)
        .where(claim_state.c.campaign_id == campaign_id)
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else _record(row)


def find_newest(s: Session, campaign_id: int) -> CanaryRecord | None:
    """The last canary of a campaign, running or ended."""
    query = (
        select(canary)
        .where(canary.c.campaign_id == campaign_id)
        .order_by(canary.c.id.desc())
        .limit(1)
    )
    row = s.connection().execute(query).mappings().first()
    return None if row is None else _record(row)


def evidence_text(evidence: Evidence) -> str:
    return _EVIDENCE.dump_json(evidence).decode()


def save_evidence(s: Session, canary_id: int, evidence: Evidence) -> None:
    values = {"evidence": evidence_text(evidence)}
    s.connection().execute(update(canary).where(canary.c.id == canary_id).values(values))


def end_canary(
    s: Session,
    campaign_id: int,
    canary_id: int,
    state: CanaryState,
    reason: str,
    *,
    now: datetime,
) -> None:
    """End a canary: from now on its recipients are called by the campaign's plan. The caller has
    locked the claim state."""
    values = {"state": state.value, "plan": None, "ended_at": now, "reason": reason}
    s.connection().execute(update(canary).where(canary.c.id == canary_id).values(values))
    save_claim_state(s, campaign_id, canary_id=None)


def end_undecided(s: Session, campaign_id: int, canary_id: int, *, now: datetime) -> None:
    """End the canary of a campaign that is over."""
    reason = f"the campaign was over before; {figures_of(read_canary(s, canary_id).evidence)}"
    end_canary(s, campaign_id, canary_id, CanaryState.UNDECIDED, reason, now=now)


def end_by_revision(
    s: Session,
    record: CampaignRecord,
    canary_id: int,
    definition: CampaignDefinition,
    *,
    restores: bool,
    now: datetime,
) -> None:
    """End a canary whose campaign gets the definition of one of its arms for all recipients.

    Only a rollback, which `restores` a revision, takes it back: who applies the campaign's present
    file may not know of the canary. Raises CanaryRunning for any other definition.
    """
    running = read_canary(s, canary_id)
    ends = [(CanaryState.PROMOTED, running.revision)]
    if restores:
        ends.append((CanaryState.ROLLED_BACK, running.base_revision))
    for state, revision in ends:
        of_arm = definition_at(s, record.id, revision)
        if of_arm is not None and same_but_recipients(of_arm, definition):
            reason = f"by hand; {figures_of(running.evidence)}"
            end_canary(s, record.id, canary_id, state, reason, now=now)
            return
    raise CanaryRunning(record, running.revision)


# --- recipients -----------------------------------------------------------------------------------


def draw_arms(s: Session, record: CampaignRecord, canary_id: int, first: int) -> None:
    """Draw recipients who wait for a call into the arms, from a position on as far as a step of a
    requeue goes; who was drawn before keeps the arm."""
    last, _ = end_of_step(s, record, first)
    if last is None:
        return
    running = read_canary(s, canary_id)
    query = select(recipient.c.id).where(
        recipient.c.campaign_id == record.id,
        recipient.c.launch == record.launch,
        recipient.c.position.between(first, last),
        recipient.c.state.in_(_OPEN),
        recipient.c.canary_id.is_distinct_from(canary_id),
    )
    drawn: dict[Arm, list[int]] = {arm: [] for arm in Arm}
    for recipient_id in s.connection().execute(query).scalars():
        drawn[arm_of(running.seed, recipient_id, running.share)].append(recipient_id)
    for arm, ids in drawn.items():
        if ids:
            values = {"ids": ids, "of_canary": canary_id, "drawn_arm": arm.value}
            s.connection().execute(_DRAWN, values)


def add_observations(s: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store what became of recipients' calls; only the first of each counts."""
    if rows:
        s.connection().execute(
            insert_into(s, canary_observation).values(list(rows)).on_conflict_do_nothing()
        )


def pending_observations(s: Session, canary_id: int, most: int) -> list[tuple[int, Observation]]:
    """Recipients that were not compared yet, the first that were observed first."""
    values = {"of_canary": canary_id, "most": most}
    rows = s.connection().execute(_PENDING, values).mappings()
    return [(row["recipient_id"], _observation(row)) for row in rows]


def mark_compared(s: Session, canary_id: int, ids: Sequence[int], stratum: int) -> None:
    values = {"of_canary": canary_id, "ids": list(ids), "in_stratum": stratum}
    s.connection().execute(_COMPARED, values)


def _observation(row: RowMapping) -> Observation:
    return Observation(
        arm=Arm(row["arm"]),
        answered=row["answered"],
        opted_out=row["opted_out"],
        failed=row["failed"],
        cost=row["cost"],
    )


def _record(row: RowMapping) -> CanaryRecord:
    values = {name: row[name] for name in _FIELDS}
    return CanaryRecord(**values, evidence=_EVIDENCE.validate_json(row["evidence"]))
