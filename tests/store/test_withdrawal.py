"""A number is withdrawn from a campaign: whoever has it is not called any more."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.domain.call.claim import CampaignState
from outdial.domain.numbers.phone import mask_phone
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.roster import roster, withdrawal
from outdial.store.roster.requeue import FROM_THE_START
from outdial.store.roster.withdrawal import Withdrawn
from tests.builders import House, draft, located, phone
from tests.generating import examples

_RUNS = itertools.count()


def _find(house: House, campaign: CampaignRecord, number: str) -> list[int]:
    candidates: list[int] = []
    position: int | None = FROM_THE_START
    while position is not None:
        first = position
        ids, position = house.write(
            lambda s, first=first: withdrawal.find_number(s, campaign, number, first, step=2)  # type: ignore[misc]
        )
        candidates += ids
    return candidates


def _withdraw(
    house: House, campaign: CampaignRecord, number: str, candidates: list[int] | None = None
) -> Withdrawn | None:
    these = _find(house, campaign, number) if candidates is None else candidates
    return house.write(
        lambda s: withdrawal.withdraw_number(s, campaign.id, number, these, now=house.now)
    )


def _people(house: House, campaign: CampaignRecord) -> list[RecipientRecord]:
    launch = campaign.launch
    return house.write(lambda s: roster.list_recipients(s, campaign.id, launch=launch))


@pytest.mark.both_databases
def test_one_who_waits_is_done_and_never_claimed(house: House) -> None:
    campaign = house.launch(2)
    assert _withdraw(house, campaign, phone(0)) == Withdrawn(1, ())
    gone, other = _people(house, campaign)
    assert (gone.state, gone.outcome, gone.reason) == ("done", "canceled", "withdrawn")
    assert other.state is RecipientState.WAITING
    assert len(house.claim(campaign).calls) == 1
    assert _withdraw(house, campaign, phone(0)) == Withdrawn(0, ())
    assert _withdraw(house, campaign, phone(9)) is None


@pytest.mark.both_databases
def test_one_who_is_called_is_called_for_the_last_time(house: House) -> None:
    campaign = house.launch(1, retry={"no_answer": {"delays": "1m"}})
    call = house.claim_one(campaign)
    house.place(call.call_id)
    withdrawn = _withdraw(house, campaign, phone(0))
    assert withdrawn is not None
    assert [live.workflow_id for live in withdrawn.live] == [call.workflow_id]
    house.end(call.call_id)
    (person,) = _people(house, campaign)
    assert person.state is RecipientState.DONE


@pytest.mark.both_databases
def test_any_number_of_a_person_will_do(house: House) -> None:
    campaign = house.launch(1)
    other = draft(1, alternate_phones=[phone(7)])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, located([other])))
    assert _withdraw(house, campaign, phone(7)) == Withdrawn(1, ())
    assert [one.state.value for one in _people(house, campaign)] == ["waiting", "done"]


@pytest.mark.both_databases
def test_everybody_who_has_the_number_is_withdrawn(house: House) -> None:
    """Whether they would be dialed on it next, or later."""
    campaign = house.launch(1)
    others = [draft(1, alternate_phones=[phone(7), phone(0)]), draft(2)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, located(others)))
    assert _withdraw(house, campaign, phone(0)) == Withdrawn(2, ())
    assert [one.state.value for one in _people(house, campaign)] == ["done", "done", "waiting"]


@pytest.mark.both_databases
@pytest.mark.parametrize("removed", ["+5491123456789", "+541123456789"])
def test_any_form_of_the_number_will_do(house: House, removed: str) -> None:
    campaign = house.launch(1)
    forms = ["+5491123456789", "+541123456789"]
    people = [draft(n, alternate_phones=[form]) for n, form in enumerate(forms, 1)]
    people += [draft(n, phone=form) for n, form in enumerate(forms, 3)]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, located(people)))
    assert _withdraw(house, campaign, removed) == Withdrawn(4, ())
    assert [one.state.value for one in _people(house, campaign)] == ["waiting"] + ["done"] * 4


@pytest.mark.both_databases
def test_who_is_found_is_checked_again(house: House) -> None:
    """Numbers may change between the search and the change."""
    campaign = house.launch(2)
    other = draft(2, alternate_phones=[phone(7)])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, located([other])))
    everybody = [one.id for one in _people(house, campaign)]
    assert _withdraw(house, campaign, phone(9), everybody) is None
    assert _withdraw(house, campaign, phone(7), everybody) == Withdrawn(1, ())
    assert _withdraw(house, campaign, phone(0), []) == Withdrawn(1, ())
    assert [one.state.value for one in _people(house, campaign)] == ["done", "waiting", "done"]


def test_earlier_launches_and_other_campaigns_stay(house: House) -> None:
    first, other = house.launch(1), house.launch(1, "other")
    house.set_state(first, CampaignState.STOPPING)
    assert _withdraw(house, first, phone(0)) is not None
    assert [one.state for one in _people(house, other)] == [RecipientState.WAITING]


@settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(removed=st.sets(st.integers(0, 5)))
def test_those_who_are_not_removed_are_called(house: House, removed: set[int]) -> None:
    run = next(_RUNS)
    campaign = house.launch(6, f"of-run-{run}", first=6 * run)
    for one in removed:
        _withdraw(house, campaign, phone(6 * run + one))
    called = {call.masked for call in house.claim(campaign).calls}
    left = set(range(6)) - removed
    assert called == {mask_phone(phone(6 * run + one)) for one in left}
