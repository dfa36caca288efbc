"""I8: one Argentine subscriber under two texts, in every table that knows numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert

from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.domain.rules.zone import zone_evidence
from outdial.store.compliance import suppressions
from outdial.store.db import migrate
from outdial.store.db.tables import suppression
from outdial.store.roster import roster
from tests.builders import NOW, House, draft, located_as
from tests.databases import migrated

pytestmark = pytest.mark.both_databases

LANDLINE, MOBILE = "+541123456789", "+5491123456789"
FORMS = [(LANDLINE, MOBILE), (MOBILE, LANDLINE)]


def _call_to(house: House, name: str, number: str, **changes: Any) -> CampaignRecord:
    campaign = house.launch(0, name=name, **changes)
    rows = [located_as(draft(0, phone=number), zone_evidence(number))]
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


@pytest.mark.parametrize(("one", "other"), FORMS)
def test_who_lists_one_form_lists_the_subscriber(house: House, one: str, other: str) -> None:
    now = house.now
    added = house.write(
        lambda s: suppressions.suppress_all(s, "default", [one], "asked", now=now, source="a test")
    )
    assert added == 1
    assert house.write(lambda s: suppressions.is_suppressed(s, "default", other)) == "asked"
    again = house.write(
        lambda s: suppressions.suppress_all(
            s, "default", [other, one], "again", now=now, source="a test"
        )
    )
    assert again == 0
    assert len(house.write(lambda s: suppressions.history(s, "default", other))) == 1
    campaign = _call_to(house, "spring", other)
    assert house.claim(campaign).calls == ()
    lifted = house.write(lambda s: suppressions.lift(s, "default", other, now=now))
    assert lifted
    assert house.write(lambda s: suppressions.is_suppressed(s, "default", one)) is None
    assert not house.write(lambda s: suppressions.lift(s, "default", one, now=now))


@pytest.mark.parametrize(("one", "other"), FORMS)
def test_one_call_at_a_time_and_caps_count_both(house: House, one: str, other: str) -> None:
    cap = {"caps": [{"calls": 1, "within": "1d"}]}
    first, second = _call_to(house, "a", one), _call_to(house, "b", other, **cap)
    call = house.claim_one(first)
    assert house.claim(second).calls == ()  # the same telephone rings
    house.end(call.call_id, CallStatus.NO_ANSWER)
    house.later(minutes=1)
    assert house.claim(second).calls == ()  # one call a day
    house.now += timedelta(days=1, hours=1)
    assert len(house.claim(second).calls) == 1


def test_a_ringing_call_is_found_by_the_other_form(house: House) -> None:
    house.claim_one(_call_to(house, "a", MOBILE))
    ringing = house.write(lambda s: suppressions.calls_before_a_talk(s, "default", [LANDLINE]))
    assert [call.to for call in ringing] == [MOBILE]


def test_numbers_listed_before_get_their_other_form(new_url: str) -> None:
    with migrated(new_url) as database:
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0011")
        rows = [
            {"tenant": "default", "phone": phone, "reason": "r", "source": "s", "created_at": NOW}
            for phone in (LANDLINE, "+5491187654321", "+442079460958")
        ]
        database.write_sync(lambda s: s.connection().execute(insert(suppression), rows))
        database.migrate()
        listed = {
            each.phone
            for each in database.write_sync(
                lambda s: suppressions.list_suppressed(s, "default", limit=9)
            )
        }
        assert listed == {LANDLINE, MOBILE, "+5491187654321", "+541187654321", "+442079460958"}
