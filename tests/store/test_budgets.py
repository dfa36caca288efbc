"""Budgets: reserved by claims, settled with calls, and never overspent."""

from __future__ import annotations

import json
from datetime import timedelta
from multiprocessing.pool import Pool
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.decision.decision import Wait
from outdial.domain.endpoint import Endpoint
from outdial.domain.money.amount import parse_money
from outdial.domain.money.price import LinePrice
from outdial.domain.record import BudgetProgress, CampaignRecord, RecipientState
from outdial.store.call import calls, events
from outdial.store.campaign.campaigns import apply_definition
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.compliance.receipts import read_receipts
from outdial.store.db.tables import budget_hold, budget_total, call
from outdial.store.roster import roster
from outdial.store.roster.explanation import explain_recipients
from outdial.store.webhooks import deliveries, endpoints
from outdial.store.webhooks.deliveries import DeliveryFilter
from tests.builders import LINE, NOW, House, definition, event, phone
from tests.store.claiming import Orders, work

pytestmark = pytest.mark.both_databases

PRICE = LinePrice("USD", per_minute=90_000, per_call=100_000)
"""A call of 10 minutes costs 1 USD."""


@pytest.fixture
def house(house: House) -> House:
    house.line(price=PRICE)
    return house


def budget_of(house: House, campaign: CampaignRecord) -> BudgetProgress:
    budget = house.write(lambda s: read_progress(s, campaign.id)).budget
    assert budget is not None
    return budget


def figures(house: House, campaign: CampaignRecord) -> tuple[str, str, str]:
    """Spent, reserved and left."""
    budget = budget_of(house, campaign)
    return str(budget.spent), str(budget.reserved), str(budget.left)


def analyse(house: House, call_id: str, cost: float, name: str = "price") -> None:
    """The provider reports a price."""
    reported = event(name, call_id=call_id, kind=EventKind.ANALYSIS, cost=cost, at=house.now)
    house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))


def raise_budget(house: House, campaign: CampaignRecord, **budget: str) -> None:
    edited = definition(campaign.name, budget=budget)
    house.write(lambda s: apply_definition(s, campaign.id, edited, "", now=house.now))


def ended_call(house: House, campaign: CampaignRecord, **end: Any) -> str:
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, **end)
    return call_id


def test_a_claim_reserves_the_highest_cost_and_the_end_releases_the_rest(house: House) -> None:
    campaign = house.launch(5, budget={"most": "5 USD"})
    call_id = house.claim_one(campaign).call_id
    assert figures(house, campaign) == ("0 USD", "1 USD", "4 USD")
    house.place(call_id)
    house.end(call_id, duration_seconds=61)
    assert figures(house, campaign) == ("0.28 USD", "0 USD", "4.72 USD")


@pytest.mark.parametrize(("price", "source"), [(None, "computed"), (2.5, "provider")])
def test_a_call_says_what_it_counts_for_and_by_what(
    house: House, price: float | None, source: str
) -> None:
    campaign = house.launch(1, budget={"most": "5 USD"})
    call_id = ended_call(house, campaign, duration_seconds=660)
    if price is not None:
        analyse(house, call_id, price)
    view = house.write(lambda s: calls.get_view(s, campaign.tenant, call_id))
    assert view is not None
    assert view.budget is not None
    excess = "0.09 USD" if price is None else "1.50 USD"
    shown = {"reserved": "1 USD", "cost": "1 USD", "source": source, "excess": excess}
    assert view.budget.model_dump(mode="json") == shown


def test_no_call_starts_that_could_overspend(house: House) -> None:
    campaign = house.launch(9, budget={"most": "3.50 USD"})
    claim = house.claim(campaign)
    assert len(claim.calls) == 3
    assert claim.reason == (
        "the budget is reserved for calls under way: 0 USD of 3.50 USD spent, 3 USD reserved, and "
        "a call may cost 1 USD"
    )
    assert (claim.budget_spent, house.claim(campaign).calls) == (False, ())
    house.place(claim.calls[0].call_id)
    house.end(claim.calls[0].call_id, duration_seconds=60)
    assert len(house.claim(campaign).calls) == 1
    house.end(claim.calls[1].call_id, CallStatus.CANCELED, may_have_rung=False)
    assert len(house.claim(campaign).calls) == 1


def test_a_claim_that_is_repeated_reserves_nothing(house: House) -> None:
    campaign = house.launch(5, budget={"most": "5 USD"})
    for _ in range(2):
        house.claim(campaign, "same", limit=2)
    assert figures(house, campaign) == ("0 USD", "2 USD", "3 USD")


@pytest.mark.parametrize(
    ("end", "spent"),
    [
        ({"status": CallStatus.CANCELED, "may_have_rung": False}, "0 USD"),
        ({"status": CallStatus.NO_ANSWER}, "0.10 USD"),
        ({"status": CallStatus.FAILED, "failure": FailureClass.UNKNOWN}, "1 USD"),
        ({"status": CallStatus.COMPLETED, "duration_seconds": 9000}, "1 USD"),
    ],
)
def test_a_call_without_a_price_counts_for_what_it_may_have_cost(
    house: House, end: dict[str, Any], spent: str
) -> None:
    campaign = house.launch(1, budget={"most": "5 USD"})
    call_id = house.claim_one(campaign).call_id
    if end.get("may_have_rung", True):
        house.place(call_id)
    house.end(call_id, **end)
    assert figures(house, campaign)[:2] == (spent, "0 USD")


def test_what_a_lost_call_holds_stays_reserved(house: House) -> None:
    campaign = house.launch(9, budget={"most": "1 USD"})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.later(days=2)
    assert house.claim(campaign).calls == ()
    assert figures(house, campaign) == ("0 USD", "1 USD", "0 USD")
    house.end(call_id, CallStatus.FAILED, failure=FailureClass.UNKNOWN)
    assert figures(house, campaign) == ("1 USD", "0 USD", "0 USD")


def test_the_providers_price_counts_before_and_after_the_settlement(house: House) -> None:
    campaign = house.launch(1, budget={"most": "5 USD"})
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    house.end(call_id, duration_seconds=61, analysis_wait=timedelta(minutes=1))
    assert figures(house, campaign)[:2] == ("0 USD", "1 USD")
    analyse(house, call_id, 0.2, "first")
    assert figures(house, campaign)[:2] == ("0.20 USD", "0 USD")
    house.later(seconds=1)
    analyse(house, call_id, 0.5, "corrected")
    assert figures(house, campaign)[:2] == ("0.50 USD", "0 USD")
    assert str(budget_of(house, campaign).raised) == "0.30 USD"
    analyse(house, call_id, 0.5, "corrected")
    assert figures(house, campaign)[:2] == ("0.50 USD", "0 USD")


@pytest.mark.parametrize(
    ("reported", "spent", "excess"), [(-3.0, "0.28 USD", "0 USD"), (1e5, "1 USD", "99999 USD")]
)
def test_an_absurd_price_is_noted_and_does_not_end_the_campaign(
    house: House, reported: float, spent: str, excess: str
) -> None:
    campaign = house.launch(9, budget={"most": "5 USD"})
    call_id = ended_call(house, campaign, duration_seconds=61)
    analyse(house, call_id, reported)
    budget = budget_of(house, campaign)
    assert (str(budget.spent), str(budget.excess)) == (spent, excess)
    assert len(house.claim(campaign).calls) == 4


def listen(house: House) -> None:
    made = Endpoint(
        id="ep_all", tenant="default", url="https://example.com", secret="s",
        events=("campaign.budget_exhausted",), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    house.write(lambda s: endpoints.add_endpoint(s, made))


def published(house: House) -> list[dict[str, Any]]:
    """What endpoints get, oldest first."""
    chosen = DeliveryFilter(endpoint_id="ep_all")
    sent = house.write(lambda s: deliveries.list_deliveries(s, "default", chosen, limit=100))
    return [json.loads(one.payload)["data"] for one in reversed(sent)]


def test_a_spent_budget_is_published_once_and_calls_go_on_when_it_is_raised(house: House) -> None:
    listen(house)
    campaign = house.launch(9, budget={"most": "1 USD"})
    ended_call(house, campaign, duration_seconds=60)
    for _ in range(2):
        claim = house.claim(campaign)
        assert (claim.calls, claim.budget_spent) == ((), True)
        assert claim.reason == ("the budget is spent: 0.19 USD of 1 USD, and a call may cost 1 USD")
    progress = house.write(lambda s: read_progress(s, campaign.id))
    assert (progress.state, progress.reason) == (CampaignState.RUNNING, claim.reason)
    assert budget_of(house, campaign).exhausted == "most"
    (data,) = published(house)
    assert (data["campaign"], data["limit"], data["reason"]) == ("reminder", "most", claim.reason)
    raise_budget(house, campaign, most="1.50 USD")
    assert len(house.claim(campaign).calls) == 1
    assert budget_of(house, campaign).exhausted is None


def test_near_a_limit_it_is_published_once_for_each_amount(house: House) -> None:
    """A price that is reported later makes room again, and the next call takes it."""
    listen(house)
    campaign = house.launch(9, budget={"most": "1.30 USD", "per_day": "3 USD"})
    for _ in range(3):
        call_id = ended_call(house, campaign, duration_seconds=240)
        assert (house.claim(campaign).calls, len(published(house))) == ((), 1)
        assert budget_of(house, campaign).exhausted == "most"
        house.later(seconds=1)
        analyse(house, call_id, 0.0, f"price of {call_id}")
    raise_budget(house, campaign, most="1.35 USD")
    ended_call(house, campaign, duration_seconds=240)
    assert (house.claim(campaign).calls, len(published(house))) == ((), 2)
    without = definition(campaign.name)
    house.write(lambda s: apply_definition(s, campaign.id, without, "", now=house.now))
    assert len(house.claim(campaign, limit=1).calls) == 1
    raise_budget(house, campaign, most="1.35 USD")
    house.claim(campaign)
    assert len(published(house)) == 3


def test_a_spent_day_opens_again_on_the_next_one(house: House) -> None:
    listen(house)
    campaign = house.launch(9, budget={"per_day": "1 USD"})
    ended_call(house, campaign, duration_seconds=60)
    claim = house.claim(campaign)
    assert (claim.calls, claim.budget_spent) == ((), False)
    assert claim.wake_at == NOW.replace(hour=0) + timedelta(days=1)
    assert [data["limit"] for data in published(house)] == ["per_day"]
    assert claim.wake_at is not None
    house.now = claim.wake_at
    assert len(house.claim(campaign).calls) == 1
    assert budget_of(house, campaign).exhausted is None


def test_a_day_counts_over_launches_and_the_rest_by_launch(house: House) -> None:
    budget = {"most": "1.50 USD", "per_day": "1.50 USD"}
    first = house.launch(1, budget=budget)
    ended_call(house, first, duration_seconds=300)
    house.set_state(first, CampaignState.STOPPING)
    house.write(lambda s: finish_campaign(s, first.id, now=house.now))
    again = house.launch(3, budget=budget)
    assert figures(house, again) == ("0 USD", "0 USD", "1.50 USD")
    assert str(budget_of(house, again).left_of_day) == "0.95 USD"
    assert house.claim(again).calls == ()


def test_a_person_who_has_cost_enough_ends(house: House) -> None:
    retry = {"no_answer": {"delays": ["1m"], "max_attempts": 9}, "max_attempts": 9}
    campaign = house.launch(1, budget={"per_person": "1.15 USD"}, retry=retry)
    for _ in range(2):
        ended_call(house, campaign, status=CallStatus.NO_ANSWER)
        house.later(minutes=2)
    assert house.claim(campaign).calls == ()
    (person,) = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1, limit=9))
    assert (person.state, person.outcome) == (RecipientState.DONE, "no_answer")
    assert person.reason == (
        "the calls to this person have cost 0.20 USD of 1.15 USD, and another one may cost 1 USD"
    )


@pytest.mark.parametrize("price", [None, LinePrice("EUR", 90_000)])
def test_without_a_price_in_its_currency_a_campaign_waits(
    house: House, price: LinePrice | None
) -> None:
    campaign = house.launch(1, budget={"most": "5 USD"})
    house.line(price=price)
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert "line simulated" in claim.reason
    assert claim.wake_at is not None


def test_prices_that_change_concern_later_calls(house: House) -> None:
    campaign = house.launch(2, budget={"most": "9 USD"})
    call_id = house.claim_one(campaign).call_id
    house.line(price=LinePrice("USD", per_minute=400_000))
    house.place(call_id)
    house.end(call_id, duration_seconds=60)
    assert figures(house, campaign)[:2] == ("0.19 USD", "0 USD")
    house.claim_one(campaign)
    assert figures(house, campaign)[:2] == ("0.19 USD", "4 USD")


def test_a_call_that_was_given_up_and_rings_counts_for_the_most(house: House) -> None:
    """Late evidence: what was released is counted again, and noted as raised."""
    campaign = house.launch(1, budget={"most": "5 USD"})
    call_id = house.claim_one(campaign).call_id
    house.fence(call_id)
    house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail="never arrived", now=house.now
        )
    )
    house.end(
        call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE, may_have_rung=False,
        not_placed=True,
    )  # fmt: skip
    assert figures(house, campaign)[:2] == ("0 USD", "0 USD")
    for status, spent in (
        (CallStatus.RINGING, "1 USD"),
        (CallStatus.IN_PROGRESS, "1 USD"),
        (CallStatus.COMPLETED, "0.19 USD"),
    ):
        house.later(seconds=5)
        reported = event(
            status.value,
            call_id=call_id,
            provider_call_id="p",
            status=status,
            at=house.now,
            duration_seconds=60 if status.terminal else None,
        )
        house.write(lambda s, e=reported: events.store_events(s, LINE, [e], now=house.now))  # type: ignore[misc]
        assert figures(house, campaign)[:2] == (spent, "0 USD"), status
    assert str(budget_of(house, campaign).raised) == "1 USD"


def test_receipts_and_explanations_say_it(house: House) -> None:
    campaign = house.launch(2, budget={"most": "1 USD"})
    house.fence(house.claim_one(campaign).call_id)
    (receipt,) = house.write(lambda s: list(read_receipts(s, campaign.id)))
    assert json.loads(receipt.body)["reserved"] == "1 USD"
    record = campaign
    explained = [
        one
        for n in range(2)
        for one in house.write(lambda s, n=n: explain_recipients(s, record, phone(n), house.now))  # type: ignore[misc]
        if one.record.state is not RecipientState.CALLING
    ]
    (waiting,) = explained
    assert isinstance(waiting.decision, Wait)
    assert waiting.decision.reason.code == "budget"


def test_a_campaign_without_a_budget_holds_nothing(house: House) -> None:
    campaign = house.launch(2)
    ended_call(house, campaign, duration_seconds=60)
    assert house.write(lambda s: s.connection().execute(select(budget_hold)).all()) == []
    assert house.write(lambda s: s.connection().execute(select(budget_total)).all()) == []
    assert house.write(lambda s: read_progress(s, campaign.id)).budget is None


def test_processes_that_claim_at_once_overspend_nothing(
    house: House, url: str, three_processes: Pool
) -> None:
    """Every call ends without a price, so that it counts for the most."""
    budget = {"most": "7 USD", "per_day": "5 USD"}
    campaigns = [house.launch(20, f"c{i}", first=20 * i, budget=budget) for i in range(2)]
    ids = tuple(campaign.id for campaign in campaigns)
    orders = [Orders(url, ids, house.now, seed, rounds=60) for seed in range(3)]
    three_processes.map(work, orders, chunksize=1)
    for campaign in campaigns:
        made = house.write(
            lambda s, c=campaign: (
                s.connection()  # type: ignore[misc]
                .execute(select(call.c.id).where(call.c.campaign_id == c.id))
                .all()
            )
        )
        budget_left = budget_of(house, campaign)
        assert len(made) == 5
        used = budget_left.spent.amount + budget_left.reserved.amount
        assert used == parse_money("5 USD").amount
