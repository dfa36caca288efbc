"""A campaign of several days and the database that it was carried out in, in a second: the store
works by a virtual clock, and made-up people answer. Pictures in the documentation show it.

    python -m tests.drawing.example FOLDER
"""

from __future__ import annotations

import argparse
import csv
from datetime import UTC, datetime
from pathlib import Path

from outdial.intake.definition import read_definition
from outdial.rehearsal.fate import ModeledPeople
from outdial.rehearsal.loop import Loop
from outdial.rehearsal.people import GUESSES
from outdial.runtime.lines import build_lines
from outdial.runtime.settings.settings import load_settings
from outdial.runtime.stack.addresses import settings_of_launch
from outdial.services.campaigns.line_check import on_lines
from outdial.services.campaigns.rehearsing import read_rehearsal
from outdial.store.campaign.states import finish_campaign
from tests.databases import InThread, migrated
from tests.rehearsal.store_engine import StoreEngine, numbered_calls

START = datetime(2026, 3, 2, 14, tzinfo=UTC)
SEED = 4242
PEOPLE = 400
AREAS = ("212", "312", "303", "415", "602")
DEFINITION = """\
name: spring-checkups
purpose: informational
line: simulated
agent: receptionist
recipients: {csv: contacts.csv}
schedule: {hours: "09:00-19:00", days: [mon, tue, wed, thu, fri]}
pacing: {max_concurrent: 2}
retry:
  max_attempts: 4
  busy: {delays: 20m}
  no_answer: {delays: [3h, next_day]}
  voicemail: {delays: next_day}
  failed: {delays: 1h}
callbacks:
  - {do: redial, when: {disposition: call_me_later}}
"""


def write_campaign(folder: Path, people: int = PEOPLE) -> Path:
    """The campaign's file, with its contacts beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "contacts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone"])
        for at in range(people):
            # Numbers that are kept for fiction.
            writer.writerow([f"+1{AREAS[at % len(AREAS)]}55501{at // len(AREAS):02}"])
    path = folder / "spring-checkups.yaml"
    path.write_text(DEFINITION, encoding="utf-8")
    return path


def carry_out(path: Path, state_dir: Path, seed: int = SEED) -> None:
    """Carry the campaign out into a database of its own."""
    lines = build_lines(settings_of_launch(load_settings({})))
    loaded = on_lines(lines, read_definition(path))
    rehearsal = read_rehearsal(lines, loaded, START)
    state_dir.mkdir(parents=True, exist_ok=True)
    with (
        migrated(f"sqlite:///{state_dir / 'outdial.db'}", InThread) as database,
        numbered_calls(),
    ):
        store = StoreEngine(database, loaded.definition, rehearsal.drafts, rehearsal.lines, START)
        people = ModeledPeople(GUESSES, seed)
        ending = Loop(store, people, rehearsal.plan, record=lambda _: None).run(START)
        campaign = store.record.id
        database.write_sync(lambda s: finish_campaign(s, campaign, now=ending.at))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    carry_out(write_campaign(folder), folder / "state")
