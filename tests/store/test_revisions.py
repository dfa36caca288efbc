from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from outdial.domain.line.routing import UnknownLine
from outdial.domain.record import CampaignRecord
from outdial.store.campaign import campaigns
from outdial.store.campaign.revisions import definition_at, revision_before
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.errors import (
    CampaignEnded,
    NameChanged,
    PurposeChanged,
    UnknownCampaign,
)
from tests.builders import House, definition


def _apply(house: House, campaign: CampaignRecord, **changes: Any) -> CampaignRecord:
    edited = definition(**changes)
    return house.write(
        lambda s: campaigns.apply_definition(s, campaign.id, edited, "source", now=house.now)
    )


def test_a_revision_is_kept_beside_the_earlier_ones(house: House) -> None:
    campaign = house.launch(1)
    changed = _apply(house, campaign, pacing={"max_concurrent": 2})
    assert (changed.revision, changed.plan.pacing.max_concurrent) == (2, 2)
    kept = [house.write(lambda s, n=n: definition_at(s, campaign.id, n)) for n in (1, 2, 3)]  # type: ignore[misc]
    assert [d and d.pacing.max_concurrent for d in kept] == [10, 2, None]


def test_the_revision_before_is_one_of_the_same_launch(house: House) -> None:
    """The definition of an earlier launch may have an end date that has passed."""
    changed = _apply(house, house.launch(0), pacing={"max_concurrent": 2})
    assert house.write(lambda s: revision_before(s, changed)) == 1
    house.write(lambda s: finish_campaign(s, changed.id, now=house.now))
    again = house.launch(0)
    assert (again.id, again.launch) == (changed.id, 2)
    assert house.write(lambda s: revision_before(s, again)) is None


def test_a_key_that_an_earlier_version_stored_does_not_keep_a_definition_from_being_read(
    house: House,
) -> None:
    """Recipients are added under it, and a campaign may run for months."""
    campaign = house.launch(1)
    stored = definition().model_dump_json().replace("{", '{"budget":null,', 1)
    change = text("UPDATE campaign_revision SET definition = :stored")
    house.write(lambda s: s.connection().execute(change, {"stored": stored}))
    assert house.write(lambda s: definition_at(s, campaign.id, 1)) == definition()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": "other"}, NameChanged),
        ({"purpose": "telemarketing"}, PurposeChanged),
        ({"line": "unknown"}, UnknownLine),
    ],
)
def test_what_a_revision_may_not_change(
    house: House, changes: dict[str, str], error: type[Exception]
) -> None:
    campaign = house.launch(1)
    with pytest.raises(error):
        _apply(house, campaign, **changes)
    unchanged = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    assert unchanged == campaign


def test_what_is_over_is_not_revised(house: House) -> None:
    campaign = house.launch(0)
    house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))
    with pytest.raises(CampaignEnded):
        _apply(house, campaign)


def test_an_unknown_campaign_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCampaign):
        house.write(lambda s: campaigns.apply_definition(s, 4711, definition(), "", now=house.now))
