"""The bare cost of an import: read a CSV file, parse each number with the library, insert in bulk.

A process of its own, so that its memory and its processor time can be read. Prints one line of
JSON. It renders no template, resolves no zone, checks nothing twice and stages nothing.

    python -m bench.bare_import DATABASE_URL CONTACTS.csv
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import phonenumbers
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, insert
from sqlmodel import Session

from outdial.store.db.database import Database

CHUNK = 5_000
"""Rows in one transaction."""
_TABLE = Table(
    "bare_contact",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("phone", String, nullable=False),
    Column("variables", JSON, nullable=False),
)


def read_rows(contacts: Path) -> Iterator[dict[str, Any]]:
    with contacts.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            number = phonenumbers.parse(row.pop("phone"))
            if not phonenumbers.is_valid_number(number):
                continue
            phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            yield {"phone": phone, "variables": row}


def insert_in_chunks(database: Database, rows: Iterator[dict[str, Any]]) -> int:
    inserted = 0
    while chunk := list(islice(rows, CHUNK)):

        def work(s: Session, chunk: list[dict[str, Any]] = chunk) -> None:
            s.connection().execute(insert(_TABLE), chunk)

        database.write_sync(work)
        inserted += len(chunk)
    return inserted


def main(url: str, contacts: Path) -> None:
    database = Database(url)
    database.write_sync(lambda s: _TABLE.create(s.connection()))
    begun = time.perf_counter()
    inserted = insert_in_chunks(database, read_rows(contacts))
    seconds = time.perf_counter() - begun
    database.write_sync(lambda s: _TABLE.drop(s.connection()))
    database.dispose()
    print(json.dumps({"rows": inserted, "seconds": seconds, "processor": time.process_time()}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
