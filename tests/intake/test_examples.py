"""The campaigns that ship: an editor accepts them, the reader accepts them, nobody is real."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.definition.schedule import Span
from outdial.domain.rules.zone import zone_evidence
from outdial.intake.contacts.roster import check_roster
from outdial.intake.definition import read_definition
from tests.drafts import read_roster
from tests.intake.test_schema import schema_errors

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
EXAMPLES = sorted(CAMPAIGNS.glob("*.yaml"))
SCHEMA_LINE = "# yaml-language-server: $schema=../schema/campaign.schema.json"

FICTION = (
    r"\+1[2-9]\d{2}55501\d{2}",  # North America: 555-0100 to 555-0199 of every area code
    r"\+44(2079460|1614960|1214960|1314960)\d{3}|\+442920180\d{3}",  # Ofcom
    r"\+33(19900|26191|35301|46571|53649)\d{4}",  # ARCEP
    r"\+49(3023125|6990009|4066969|8999998)\d{3}",  # Bundesnetzagentur
    r"\+46(8465004|3139006|4062804)\d{2}|\+469803192\d{2}|\+46701740\d{2}",  # PTS
    r"\+61[2378](5550|7010)\d{4}|\+61491570(006|110|15[6-9])",  # ACMA
)


def recipients(name: str) -> list[RecipientDraft]:
    return list(read_roster(read_definition(CAMPAIGNS / name)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_good(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == SCHEMA_LINE
    assert schema_errors(text) == []
    assert check_roster(read_definition(path)).lines() == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nobody_in_an_example_has_a_telephone(path: Path) -> None:
    loaded = read_definition(path)
    numbers = list(loaded.definition.caller_ids)
    for draft in read_roster(loaded):
        numbers += [draft.phone, *draft.alternate_phones]
    real = [n for n in numbers if not any(re.fullmatch(kept, n) for kept in FICTION)]
    assert real == []


def test_the_quickstart_runs_at_any_hour_over_many_zones() -> None:
    definition = read_definition(CAMPAIGNS / "quickstart.yaml").definition
    drafts = recipients("quickstart.yaml")
    assert len(drafts) == 40
    zones = {
        zone
        for draft in drafts
        for zone in zone_evidence(draft.phone, own=draft.time_zone).candidates
    }
    assert len(zones) >= 12
    assert len({zone.partition("/")[0] for zone in zones}) >= 4
    assert definition.schedule.hours == (Span(start=0, end=1440),)
    assert len(definition.schedule.days) == 7
    retry = definition.retry
    for outcome in ("busy", "no_answer", "voicemail", "failed", "unknown", "call_me_later"):
        delays = getattr(retry, outcome).delays
        assert all(isinstance(delay, timedelta) and delay.total_seconds() <= 5 for delay in delays)


def test_the_clinic_calls_again_as_its_comments_say() -> None:
    definition = read_definition(CAMPAIGNS / "appointment_reminder.yaml").definition
    assert definition.retry.busy is not None
    assert definition.retry.no_answer is not None
    assert definition.retry.busy.delays == (timedelta(minutes=10),)
    assert definition.retry.no_answer.delays == (timedelta(hours=2), "next_day")
    amelia, bernard, *_ = recipients("appointment_reminder.yaml")
    assert amelia.variables["reminder"] == (
        "You have an appointment with Dr. Okafor on Tuesday, June 4 at 9:30 AM."
    )
    assert amelia.variables["preparation"] == ""
    assert bernard.variables["preparation"] == "Please don't eat after midnight."
    assert bernard.alternate_phones == ("+12125550157",)
