"""Campaigns and their rosters: launched, edited, stopped, explained, audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.money.price import LinePrice
from outdial.domain.record import CampaignRecord, StagingRecord
from outdial.domain.rules.rule import Rule
from outdial.domain.rules.rulebook import Block, shipped_rulebook
from outdial.services.campaigns import learning, reporting
from outdial.store.call import calls
from outdial.store.campaign import (
    campaigns,
    canaries,
    listing,
    progress,
    proposals,
    revisions,
)
from outdial.store.campaign.canary_changes import NewCanary
from outdial.store.campaign.open_campaigns import list_open_campaigns
from outdial.store.campaign.past_calls import read_past_calls
from outdial.store.campaign.proposals import Proposal
from outdial.store.campaign.report_rows import read_people
from outdial.store.campaign.revisions import NO_NOTE, RevisionNote
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.compliance import receipts, rulings
from outdial.store.lines import lines
from outdial.store.lines.lines import LineLimits
from outdial.store.roster import (
    enrolled,
    explanation,
    flip,
    kept,
    merging,
    open_recipients,
    roster,
    staging,
)
from outdial.store.roster.rows import ReadSoFar, write_chunk
from tests import builders
from tests.builders import LINE, House
from tests.history.filling import phone_of
from tests.history.operations.registry import NOBODY, TENANT, Scene, operation

_NEW = 910_000


def _states(house: House, campaign: CampaignRecord, *states: CampaignState) -> None:
    for state in states:
        house.write(
            lambda s, to=state: set_campaign_state(s, campaign.id, to, now=house.now)  # type: ignore[misc]
        )


@operation
def a_launch(scene: Scene) -> None:
    house = scene.house
    given = builders.definition("launched")
    for again in (False, True):
        who = None if again else "workflow"
        of = scene.do(
            lambda s, a=again, who=who: staging.begin_launch(  # type: ignore[misc]
                s, TENANT, given, f"launch-{a}", now=house.now, again=a, requester=who
            )
        )
        _write(scene, of, 4)
        record = scene.do(
            lambda s, o=of, a=again: flip.flip_launch(  # type: ignore[misc]
                s, o, given, "", recipients=4, now=house.now, again=a
            )
        )
        scene.do(lambda s: campaigns.launch_of_requester(s, TENANT, "launched", "workflow"))
        scene.do(lambda s, r=record: finish_campaign(s, r.id, now=house.now))  # type: ignore[misc]
        scene.do(lambda s, r=record: roster.has_staged(s, r.id))  # type: ignore[misc]
        chunk = scene.do(lambda s, r=record: roster.read_chunk(s, r.id, r.launch, 0))  # type: ignore[misc]
        if chunk is not None:
            rows = builders.located(chunk[1])
            scene.do(
                lambda s, r=record, at=chunk[0], x=rows: roster.enroll_chunk(  # type: ignore[misc]
                    s, r.id, r.launch, at, x
                )
            )
        scene.do(lambda s, r=record: roster.mark_enrolled(s, r.id, r.launch))  # type: ignore[misc]
        _states(house, record, CampaignState.STOPPING)
        scene.do(lambda s, r=record: finish_campaign(s, r.id, now=house.now))  # type: ignore[misc]


def _write(
    scene: Scene, of: StagingRecord, count: int, first: int = 0, more: Sequence[RecipientDraft] = ()
) -> None:
    at = scene.house.now.replace(year=2029)
    drafts = [
        builders.draft(n, phone=builders.phone(_NEW + n), appointment_at=at)
        for n in range(first, first + count)
    ]
    drafts += more
    rows = builders.located(drafts)
    so_far = ReadSoFar(len(rows))
    scene.do(lambda s: write_chunk(s, of, LINE, rows, so_far, now=scene.house.now))


@operation
def a_launch_that_is_given_up(scene: Scene) -> None:
    now = scene.house.now
    given = builders.definition("refused")
    of = scene.do(lambda s: staging.begin_launch(s, TENANT, given, "refused", now=now, again=False))
    _write(scene, of, 4)
    scene.do(lambda s: staging.find_staging(s, TENANT, "refused"))
    scene.do(lambda s: staging.recorded_among(s, ["refused", "none"]))
    scene.do(lambda s: staging.abandoned(s, now))
    scene.do(lambda s: staging.refuse(s, of, now=now, error="no"))
    scene.do(lambda s: staging.ended(s, of))
    for _ in range(3):
        scene.do(lambda s: staging.remove_some(s, of, now=now, limit=3))
    scene.do(lambda s: staging.delete_ended(s, before=now, limit=10))


@operation
def recipients_added_to_a_large_roster(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    of = scene.do(lambda s: staging.begin_addition(s, big.id, "more", now=house.now))
    _write(scene, of, 4, first=10)
    of = scene.do(lambda s: flip.accept_addition(s, of, recipients=4, now=house.now))
    scene.do(lambda s: flip.moving_additions(s, big.id))
    while scene.do(lambda s: flip.move_some(s, of, now=house.now)):
        pass
    drafts = [builders.draft(0, phone=phone_of(7)), builders.draft(1, phone="+12125559999")]
    rows = builders.located(drafts)
    scene.do(lambda s: flip.add_at_once(s, big.id, "few", rows, now=house.now))


@operation
def an_edit_of_a_small_campaign(scene: Scene) -> None:
    house = scene.house
    record = house.launch(2, "edited", first=_NEW + 20)
    for name in (LINE, None):
        edited = builders.definition("edited", line=name or LINE)
        edited = edited if name else edited.model_copy(update={"line": ()})
        scene.do(lambda s, e=edited: campaigns.apply_definition(s, record.id, e, "", now=house.now))  # type: ignore[misc]
    house.claim(record, limit=1)
    scene.do(lambda s: revisions.definition_at(s, record.id, 2))


@operation
def an_edit_of_a_large_campaign(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    edited = builders.definition("history", pacing={"max_concurrent": 1000})
    scene.do(lambda s: campaigns.apply_definition(s, big.id, edited, "", now=house.now))
    house.claim(big, limit=1)


_BUDGET = {"most": "2 USD", "per_day": "2 USD", "per_person": "1 USD"}


@operation
def a_budget_for_a_large_campaign(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    house.line(price=LinePrice("USD", per_minute=90_000))
    edited = builders.definition("history", pacing={"max_concurrent": 1000}, budget=_BUDGET)
    scene.do(lambda s: campaigns.apply_definition(s, big.id, edited, "", now=house.now))
    for _ in range(2):  # all recipients are requeued then
        house.claim(big, limit=1)


@operation
def a_campaign_with_a_budget(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    retry = {"max_attempts": 3, "no_answer": {"delays": ["1h"]}}
    small = house.launch(4, "priced", first=_NEW + 40, budget=_BUDGET, retry=retry)
    for _ in range(2):
        claimed = house.claim_one(small)
        house.place(claimed.call_id)
        house.end(claimed.call_id, CallStatus.NO_ANSWER)
    house.claim(small)
    house.claim(big, limit=1)
    for one in (small, big):
        scene.do(lambda s, c=one: progress.read_progress(s, c.id))  # type: ignore[misc]
    scene.do(lambda s: explanation.explain_recipients(s, big, phone_of(50), house.now))
    for n in range(4):
        number = builders.phone(_NEW + 40 + n)
        scene.do(lambda s, n=number: explanation.explain_recipients(s, small, n, house.now))  # type: ignore[misc]
    house.line()


@operation
def what_a_model_is_learned_from(scene: Scene) -> None:
    big = scene.history.campaign
    first = scene.do(
        lambda s: read_past_calls(s, big.id, big.launch, after=None, limit=learning.PAGE)
    )
    assert first.people
    scene.do(
        lambda s: read_past_calls(s, big.id, big.launch, after=first.last, limit=learning.PAGE)
    )


@operation
def pages_of_a_report(scene: Scene) -> None:
    big = scene.history.campaign
    page = reporting.PAGE
    first = scene.do(lambda s: read_people(s, big.id, big.launch, after=None, limit=page))
    assert first.people
    scene.do(lambda s: read_people(s, big.id, big.launch, after=first.last, limit=page))


@operation
def a_revision_with_recipients(scene: Scene) -> None:
    """Of a large campaign; recipients are removed from a small one, one of whom was called."""
    house = scene.house
    retry = {"busy": {"delays": "1h"}}
    small = house.launch(5, "revised", first=_NEW + 40, retry=retry)
    called = house.claim_one(small)
    house.place(called.call_id)
    house.end(called.call_id, CallStatus.BUSY)
    other = builders.draft(
        50,
        phone=builders.phone(_NEW + 60),
        alternate_phones=(builders.phone(_NEW + 41),),
        variables={"greeting": "new"},
    )
    for number, (name, removes, more) in enumerate(
        (
            (scene.history.campaign.name, False, ()),
            ("revised", True, (other,)),
            ("revised", True, ()),
        )
    ):
        record = scene.do(lambda s, n=name: campaigns.find_campaign(s, TENANT, n))  # type: ignore[misc]
        assert record is not None
        _revise(scene, record, f"revision-{number}", more, removes=removes)


def _revise(
    scene: Scene,
    record: CampaignRecord,
    proposal: str,
    more: Sequence[RecipientDraft],
    *,
    removes: bool,
) -> None:
    now, name = scene.house.now, record.name
    of = scene.do(lambda s: staging.begin_addition(s, record.id, proposal, now=now, merges=True))
    _write(scene, of, 2, 43, more)
    scene.do(lambda s: merging.compare_rows(s, record, of, -1, 5))
    scene.do(lambda s: merging.count_missing(s, record, of, 0, 5))
    scene.do(lambda s: staging.has_other_additions(s, of))
    scene.do(lambda s: kept.read_open_people(s, record, -1, 5))
    given = builders.definition(name, max_duration="5m")
    new = Proposal(proposal, record.id, record.revision, given, "", (), NO_NOTE, of.id)
    scene.do(lambda s: proposals.propose(s, new, removes=removes, now=now))
    for _ in range(2):
        scene.do(lambda s: proposals.apply_proposal(s, record.id, proposal, now=now))
    while scene.do(lambda s: flip.move_some(s, of, now=now, limit=5, by_workflow=True)):
        pass
    scene.do(lambda s: proposals.withdraw_proposal(s, record.id, proposal))
    scene.do(lambda s: proposals.delete_proposals(s, before=now, limit=5))
    scene.do(lambda s: revisions.source_at(s, record.id, 1))
    scene.do(lambda s: revisions.list_revisions(s, record.id, limit=5, before=2))


@operation
def canaries_of_campaigns(scene: Scene) -> None:
    """Of a large campaign that is taken back by hand, and of a small one that is over before."""
    house = scene.house
    small = house.launch(80, "tried", first=_NEW + 100)
    rows = builders.located(
        [builders.draft(n, phone=builders.phone(_NEW + 200 + n)) for n in range(80)]
    )
    big = scene.history.campaign.id
    scene.do(lambda s: flip.add_at_once(s, big, "to-be-drawn", rows, now=house.now))
    for name in (scene.history.campaign.name, small.name):
        record = scene.do(lambda s, n=name: campaigns.find_campaign(s, TENANT, n))  # type: ignore[misc]
        assert record is not None
        _try_on_some(scene, record)
    record = scene.do(lambda s: campaigns.find_campaign(s, TENANT, "history"))
    assert record is not None
    base = scene.do(lambda s: revisions.definition_at(s, record.id, record.revision))
    assert base is not None
    note = RevisionNote(restores=record.revision)
    scene.do(lambda s: campaigns.apply_definition(s, record.id, base, "", now=house.now, note=note))
    scene.do(lambda s: revisions.revision_before(s, record))
    _states(house, small, CampaignState.STOPPING)
    scene.do(lambda s: finish_campaign(s, small.id, now=house.now))


def _try_on_some(scene: Scene, record: CampaignRecord) -> None:
    now, name = scene.house.now, record.name
    given = builders.definition(name, agent="tried")
    new = Proposal(
        f"tried-{name}", record.id, record.revision, given, "", (), NO_NOTE,
        canary=NewCanary(0.5, "seed"),
    )  # fmt: skip
    scene.do(lambda s: proposals.propose(s, new, removes=False, now=now))
    scene.do(lambda s: proposals.apply_proposal(s, record.id, new.id, now=now))
    for call in scene.house.claim(record, limit=2).calls:
        scene.house.fence(call.call_id)
        scene.house.end(call.call_id)
    running = scene.do(lambda s: canaries.find_running(s, record.id))
    assert running == scene.do(lambda s: canaries.find_newest(s, record.id))
    assert running is not None
    rows = [_observed(running.id, n, now) for n in range(30)]
    scene.do(lambda s: canaries.add_observations(s, rows))
    scene.house.claim(record, limit=1)


def _observed(canary_id: int, number: int, at: datetime) -> dict[str, Any]:
    """Of a recipient that there is not."""
    return {
        "canary_id": canary_id,
        "recipient_id": -1 - number,
        "call_id": f"observed-{number}",
        "arm": "canary" if number % 2 else "rest",
        "answered": True,
        "opted_out": False,
        "failed": False,
        "cost": None,
        "observed_at": at,
    }


@operation
def states_of_campaigns(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    small = house.launch(3, "stopped", first=_NEW + 30)
    for one in (small, big):
        _states(house, one, CampaignState.PAUSED)
        house.claim(one)
        _states(house, one, CampaignState.RUNNING)
        scene.do(lambda s, c=one: finish_campaign(s, c.id, now=house.now))  # type: ignore[misc]
    _states(house, small, CampaignState.STOPPING)
    house.claim(small)
    scene.do(lambda s: finish_campaign(s, small.id, now=house.now))


@operation
def campaigns_listed(scene: Scene) -> None:
    scene.do(lambda s: listing.list_campaigns(s, TENANT))
    newest = scene.do(lambda s: listing.list_newest(s, TENANT, limit=5))
    for last in (newest[-1], scene.history.campaign):
        scene.do(lambda s, r=last: listing.list_newest(s, TENANT, limit=5, after=r))  # type: ignore[misc]
    since = scene.house.now - timedelta(seconds=30)
    for after in (0, newest[-1].id):
        scene.do(
            lambda s, a=after: list_open_campaigns(s, calling_since=since, limit=5, after=a)  # type: ignore[misc]
        )
    for name in (NOBODY, "over-40x", "history"):
        scene.do(lambda s, n=name: listing.names_beside(s, TENANT, n, limit=10))  # type: ignore[misc]
    for name in ("history", "over-4", NOBODY):
        scene.do(lambda s, n=name: campaigns.find_campaign(s, TENANT, n))  # type: ignore[misc]


@operation
def progress_of_campaigns(scene: Scene) -> None:
    scene.do(lambda s: progress.read_progress(s, scene.history.campaign.id))
    newest = scene.do(lambda s: listing.list_newest(s, TENANT, limit=50))
    scene.do(lambda s: progress.progress_of(s, newest))


@operation
def calls_and_recipients_of_a_campaign(scene: Scene) -> None:
    campaign_id = scene.history.campaign.id
    for status in (None, *CallStatus):
        for launch in (None, 1, 2):
            for after in (None, "call-7"):
                scene.do(
                    lambda s, a=status, b=launch, c=after: calls.list_calls(  # type: ignore[misc]
                        s, campaign_id, status=a, launch=b, after=c, limit=10
                    )
                )
    for launch in (1, 2):
        for last in (None, 300):
            scene.do(
                lambda s, b=launch, c=last: roster.list_recipients(  # type: ignore[misc]
                    s, campaign_id, launch=b, after=c, limit=10
                )
            )


@operation
def recipients_explained(scene: Scene) -> None:
    house, big = scene.house, scene.history.campaign
    for number in (phone_of(31), phone_of(50), builders.phone(_NEW + 90)):
        scene.do(lambda s, n=number: explanation.explain_recipients(s, big, n, house.now))  # type: ignore[misc]
        scene.do(lambda s, n=number: explanation.refused_recipients(s, big, n))  # type: ignore[misc]


@operation
def what_a_plan_compares(scene: Scene) -> None:
    """A file of some of a large campaign's people, and of one who is new."""
    big, now = scene.history.campaign, scene.house.now
    rows = builders.located([builders.draft(at, phone=phone_of(31 + at)) for at in range(5)])
    listed = frozenset(row.phone for row in rows)
    scene.do(lambda s: enrolled.read_enrolled(s, big, rows, listed))
    scene.do(lambda s: merging.count_unlisted(s, big, listed, 0, 5))
    _, last = scene.do(lambda s: open_recipients.read_waiting(s, big, -1, now, 5))
    scene.do(lambda s: open_recipients.read_waiting(s, big, last or 0, now, 5))


@operation
def rules_and_blocks(scene: Scene) -> None:
    house = scene.house
    until = house.now + timedelta(days=1)
    block = Block(jurisdiction="US-LA", until=until, reason="storm")
    for _ in range(2):
        scene.do(lambda s: rulings.block(s, TENANT, block, now=house.now))
    scene.do(lambda s: rulings.read_rulebook(s, TENANT, house.now))
    scene.do(lambda s: rulings.unblock(s, TENANT, "US-LA", now=house.now))
    scene.do(lambda s: rulings.unblock(s, TENANT, NOBODY, now=house.now))
    rules: list[Rule] = list(shipped_rulebook().rules[:1])
    scene.do(lambda s: rulings.replace_rules(s, TENANT, rules, now=house.now))
    scene.do(lambda s: rulings.replace_rules(s, TENANT, [], now=house.now))


@operation
def receipts_of_a_campaign(scene: Scene) -> None:
    campaign_id = scene.history.campaign.id
    scene.do(lambda s: next(receipts.read_receipts(s, campaign_id)))
    scene.do(lambda s: receipts.hash_of(s, campaign_id, 7))


@operation
def an_audit(scene: Scene) -> None:
    scene.do(lambda s: receipts.unlike_their_calls(s, scene.history.campaign.id))


@operation
def lines_announced(scene: Scene) -> None:
    limits = LineLimits(name="new", provider="vapi", max_concurrent=1, per_second=1)
    for _ in range(2):
        scene.do(lambda s: lines.ensure_lines(s, TENANT, [limits]))
    scene.do(lambda s: lines.line_status(s, TENANT, LINE))
