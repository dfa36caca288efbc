"""Contact files and definitions for a benchmark of launches: US numbers, each row another one."""

from __future__ import annotations

import random
from pathlib import Path

import phonenumbers

from outdial.domain.rules.data import table

FIRST_NAMES = ("Ana", "Ben", "Chloé", "Dmitri", "Eve", "Farah", "Goran", "Hana")
EXCHANGES = range(220, 299)


def write_contacts(path: Path, rows: int) -> None:
    """A CSV file of `rows` people with numbers of all area codes, none of them twice."""
    areas = _areas()
    random.Random(1).shuffle(areas)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("phone,first_name,doctor,date,time\n")
        for row in range(rows):
            at, area = divmod(row, len(areas))
            line, exchange = divmod(at, len(EXCHANGES))
            number = f"+1{areas[area]}{EXCHANGES[exchange]}{line:04}"
            name = FIRST_NAMES[row % len(FIRST_NAMES)]
            file.write(f"{number},{name},Dr. Osei,{1 + row % 28} May,{8 + row % 10}:30\n")


def _areas() -> list[str]:
    """Area codes of the United States whose exchanges the library takes for valid."""
    return [
        area
        for area in sorted(table("area_codes")["areas"])
        if all(_is_american(f"+1{area}{exchange}0000") for exchange in EXCHANGES)
    ]


def _is_american(number: str) -> bool:
    parsed = phonenumbers.parse(number)
    return phonenumbers.region_code_for_number(parsed) == "US"


def write_campaign(path: Path, name: str, contacts: Path) -> None:
    """A definition over a contact file, with two templates and one call at a time."""
    path.write_text(
        f"name: {name}\npurpose: informational\nagent: bench\n"
        f"schedule: {{hours: '00:00-24:00'}}\npacing: {{max_concurrent: 1}}\n"
        f"recipients: {{csv: {contacts.name}}}\n"
        "variables:\n"
        '  greeting: "Hello, may I speak to {{ first_name }}?"\n'
        '  reminder: "You have an appointment with {{ doctor }} on {{ date }} at {{ time }}."\n',
        encoding="utf-8",
    )
