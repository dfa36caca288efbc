"""Canaries begin, and are promoted or taken back: each as a revision, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.plan import CallPlan
from outdial.domain.canary.arms import FEWEST_PEOPLE, observations_needed
from outdial.domain.canary.evidence import Evidence, stratum_size
from outdial.domain.canary.record import CANARY_AUTHOR, CanaryRecord
from outdial.domain.canary.verdict import CanaryState, judge, reason_for
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.endpoint import EventType
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.campaigns import apply_definition, lock_campaign, require_campaign
from outdial.store.campaign.canaries import (
    end_canary,
    evidence_text,
    mark_compared,
    pending_observations,
    read_canary,
    save_evidence,
)
from outdial.store.campaign.counts import count_open
from outdial.store.campaign.revisions import (
    RevisionNote,
    definition_at,
    keep_revision,
    next_revision,
    source_at,
)
from outdial.store.claims.state import lock_claim_state, save_claim_state
from outdial.store.db.errors import CanaryRunning, CanaryTooSmall, RevisionChanged
from outdial.store.db.tables import canary
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.webhooks.outbox import publish_campaign

_STRATA_AT_ONCE = 5
"""Compared in one claim, which is to stay short."""
_DECIDED_IN = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})


@dataclass(frozen=True, slots=True)
class NewCanary:
    """How a canary is drawn."""

    share: float
    seed: str


def begin_canary(
    s: Session,
    campaign_id: int,
    definition: CampaignDefinition,
    source_text: str,
    new: NewCanary,
    *,
    now: datetime,
    expected: int,
    note: RevisionNote,
) -> CampaignRecord:
    """Give a share of the recipients a definition: the next claims draw who gets it. The campaign
    stays at its revision.

    Raises UnknownCampaign, RevisionChanged, CanaryRunning, CanaryTooSmall; then nothing changed.
    """
    state = lock_claim_state(s, campaign_id)
    record = lock_campaign(s, campaign_id)
    if expected != record.revision:
        raise RevisionChanged(record, expected)
    if state["canary_id"] is not None:
        raise CanaryRunning(record, read_canary(s, state["canary_id"]).revision)
    people = count_open(s, campaign_id, record.launch)
    if new.share * people < FEWEST_PEOPLE:
        raise CanaryTooSmall(record, people, new.share)
    kept = record.model_copy(update={"revision": next_revision(s, record)})
    keep_revision(s, kept, definition, source_text, now, replace(note, canary_share=new.share))
    begun = s.connection().execute(
        insert(canary)
        .values(
            campaign_id=campaign_id,
            launch=record.launch,
            state=CanaryState.RUNNING.value,
            base_revision=record.revision,
            revision=kept.revision,
            share=new.share,
            seed=new.seed,
            needed=observations_needed(new.share, people),
            plan=CallPlan.of(definition).model_dump_json(),
            evidence=evidence_text(Evidence()),
            began_at=now,
        )
        .returning(canary.c.id)
    )
    save_claim_state(s, campaign_id, canary_id=begun.scalar_one(), requeue_from=FROM_THE_START)
    return record


def judge_canary(s: Session, campaign_id: int, canary_id: int, *, now: datetime) -> bool:
    """Compare what was observed since, and promote the canary or take it back if that decides it;
    whether it ended. The caller has locked the claim state."""
    record = require_campaign(s, campaign_id)
    if record.state not in _DECIDED_IN:
        return False
    running = read_canary(s, canary_id)
    evidence, state = _compare(s, running)
    if evidence.strata == running.evidence.strata:
        return False
    save_evidence(s, canary_id, evidence)
    if state is CanaryState.RUNNING:
        return False
    reason = reason_for(state, evidence)
    end_canary(s, campaign_id, canary_id, state, reason, now=now)
    promoted = state is CanaryState.PROMOTED
    revision = running.revision if promoted else running.base_revision
    definition = definition_at(s, campaign_id, revision)
    if definition is None:
        raise RuntimeError(f"revision {revision} of campaign {campaign_id} was not kept")
    changed = apply_definition(
        s,
        campaign_id,
        definition,
        source_at(s, campaign_id, revision) or "",
        now=now,
        note=RevisionNote(CANARY_AUTHOR, reason, restores=revision),
    )
    publish_campaign(s, changed, EventType.CAMPAIGN_APPLIED, now=now)
    return True


def _compare(s: Session, running: CanaryRecord) -> tuple[Evidence, CanaryState]:
    """With the strata that are complete by now, up to the one that decides."""
    size, evidence = stratum_size(running.share), running.evidence
    pending = pending_observations(s, running.id, size * _STRATA_AT_ONCE)
    for first in range(0, len(pending) - size + 1, size):
        stratum = pending[first : first + size]
        evidence = evidence.after([observation for _, observation in stratum])
        mark_compared(s, running.id, [each for each, _ in stratum], evidence.strata)
        state = judge(evidence, running.needed)
        if state is not CanaryState.RUNNING:
            return evidence, state
    return evidence, CanaryState.RUNNING
