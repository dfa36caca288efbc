"""Campaigns with a canary on the real store, in virtual time: people by their agents."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.call.claim import ClaimedCall
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from outdial.domain.canary.arms import Arm
from outdial.domain.canary.evidence import Evidence, Observation
from outdial.domain.canary.record import CanaryRecord
from outdial.domain.record import CampaignRecord
from outdial.store.call import events, settlement
from outdial.store.campaign import canaries
from outdial.store.campaign.canary_changes import NewCanary
from outdial.store.campaign.proposals import Proposal, apply_proposal, propose
from outdial.store.campaign.revisions import RevisionNote
from outdial.store.claims.fence import raise_fence
from outdial.store.db.tables import canary_observation
from tests.builders import LINE, TIMEOUT, House, definition, ended, event
from tests.domain.canaries import Person

BASE, TRIED = "agent-1", "agent-2"
"""The agents of the two arms."""


def begin(
    house: House,
    campaign: CampaignRecord,
    share: float = 0.5,
    *,
    seed: str = "seed",
    proposal: str = "tried",
    **changes: Any,
) -> CampaignRecord:
    """Try a revision on some recipients; by default with another agent."""
    new = Proposal(
        id=proposal,
        campaign_id=campaign.id,
        revision=campaign.revision,
        definition=definition(campaign.name, **({"agent": TRIED} | changes)),
        source_text="tried",
        endpoints=(),
        note=RevisionNote("user ana", "a new voice"),
        canary=NewCanary(share, seed),
    )
    house.write(lambda s: propose(s, new, removes=False, now=house.now))
    return apply(house, campaign, proposal)


def apply(house: House, campaign: CampaignRecord, proposal: str = "tried") -> CampaignRecord:
    return house.write(lambda s: apply_proposal(s, campaign.id, proposal, now=house.now))


def newest(house: House, campaign: CampaignRecord) -> CanaryRecord:
    record = house.write(lambda s: canaries.find_newest(s, campaign.id))
    assert record is not None
    return record


def call_all(
    house: House,
    campaign: CampaignRecord,
    chance: random.Random,
    people: Mapping[str, Person],
    *,
    at_once: int = 20,
    until: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """Claim and carry out calls until nobody is left; how many each agent had."""
    made = dict.fromkeys(people, 0)
    while not until():
        claim = house.claim(campaign, limit=at_once)
        if not claim.calls and (claim.wake_at is None or not claim.open_recipients):
            break
        if not claim.calls:
            assert claim.wake_at is not None
            house.now = max(house.now, claim.wake_at)
        house.later(minutes=1)
        for call in claim.calls:
            agent = carry_out(house, call, chance, people)
            made[agent] += 1
    return made


def carry_out(
    house: House, call: ClaimedCall, chance: random.Random, people: Mapping[str, Person]
) -> str:
    """Place a call and end it, as a person takes it with this agent; which one that was."""

    def work(s: Session) -> str:
        now = house.now
        passed, request = raise_fence(s, call.call_id, now=now, placement_timeout=TIMEOUT)
        assert request is not None, passed
        fate = people[request.agent].called(chance, Arm.REST)
        known_as = f"p-{call.call_id}"
        events.record_placed(s, call.call_id, known_as, now=now)
        if fate.answered:
            analysis = event(
                f"a-{call.call_id}",
                kind=EventKind.ANALYSIS,
                call_id=call.call_id,
                provider_call_id=known_as,
                at=now,
                disposition="opted_out" if fate.opted_out else "interested",
                answered_by=AnsweredBy.HUMAN,
                cost=fate.cost,
            )
            events.store_events(s, LINE, [analysis], now=now)
        settlement.end_call(s, call.call_id, ended(**_end(fate), at=now), now=now)
        return request.agent

    return house.write(work)


def _end(fate: Observation) -> dict[str, Any]:
    if fate.failed:
        return {"status": CallStatus.FAILED, "failure": FailureClass.UNAVAILABLE}
    if not fate.answered:
        return {"status": CallStatus.NO_ANSWER}
    return {
        "status": CallStatus.COMPLETED,
        "answered": True,
        "answered_by": AnsweredBy.HUMAN,
        "duration_seconds": timedelta(minutes=1).total_seconds(),
    }


def recomputed(house: House, record: CanaryRecord) -> Evidence:
    """The evidence by the rows that were observed, stratum by stratum."""
    query = (
        select(canary_observation)
        .where(canary_observation.c.canary_id == record.id)
        .order_by(canary_observation.c.observed_at, canary_observation.c.recipient_id)
    )
    rows = house.write(lambda s: s.connection().execute(query).mappings().all())
    evidence = Evidence()
    for stratum in range(1, record.evidence.strata + 1):
        evidence = evidence.after(
            [
                Observation(
                    Arm(row["arm"]), row["answered"], row["opted_out"], row["failed"], row["cost"]
                )
                for row in rows
                if row["stratum"] == stratum
            ]
        )
    return evidence
