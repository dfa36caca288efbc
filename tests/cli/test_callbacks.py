"""`callbacks` and `retry-callback` over a real database, while nothing runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import Session

from outdial.domain.call.callback_run import CallbackRun
from outdial.domain.call.claim import ClaimedCall
from outdial.services.calls import callback_runs
from outdial.store.db.database import Database
from outdial.store.db.tables import callback_entry, callback_run
from tests.builders import NOW
from tests.cli.conftest import Outdial

FREE = "2026-12-01T10:30:00+00:00"


@pytest.fixture
def followed(database: Database, call: ClaimedCall) -> ClaimedCall:
    """An entry that is done, and one that needs a person."""

    def write(s: Session) -> None:
        s.connection().execute(
            insert(callback_run).values(
                call_id=call.call_id,
                tenant="default",
                campaign_id=1,
                state="done",
                run=1,
                created_at=NOW,
                started_at=NOW,
            )
        )
        entries = [
            ("confirm_appointment", "done", "confirmed", None),
            (
                "move_appointment",
                "follow_up",
                "that time is taken",
                {"alternatives": ["2026-12-01T10:30:00+00:00"]},
            ),
        ]
        for position, (kind, state, note, result) in enumerate(entries):
            s.connection().execute(
                insert(callback_entry).values(
                    call_id=call.call_id,
                    position=position,
                    campaign_id=1,
                    created_at=NOW,
                    kind=kind,
                    callback="",
                    state=state,
                    generation=1,
                    note=note,
                    result=result,
                    updated_at=NOW,
                )
            )

    database.write_sync(write)
    return call


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_more_of_them_are_told_of(
    outdial: Outdial,
    followed: ClaimedCall,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    listed = outdial("callbacks", followed.campaign, "--limit", "1", *options)
    assert "There are more" not in listed.output
    found = callback_runs.list_callback_runs

    async def twice(*how: Any, **more: Any) -> list[CallbackRun]:
        return 2 * await found(*how, **more)

    monkeypatch.setattr(callback_runs, "list_callback_runs", twice)
    told = outdial("callbacks", followed.campaign, "--limit", "1", *options)
    assert told.stdout.startswith(listed.stdout)
    assert "There are more than 1; --limit shows more of them." in told.output


def test_what_followed_is_listed(outdial: Outdial, followed: ClaimedCall) -> None:
    result = outdial("callbacks", followed.campaign)
    assert result.exit_code == 0
    assert result.output == (
        "+1202•••0123, called Fri 2026-11-20 10:00 in America/New_York (15:00 UTC): done\n"
        f"  call {followed.call_id}\n"
        "  confirm_appointment: done, confirmed\n"
        "  move_appointment: follow_up, that time is taken; free: "
        "Tue 2026-12-01 05:30 in America/New_York (10:30 UTC)\n"
    )
    assert outdial("callbacks", followed.campaign, "--state", "failed").output == "None.\n"
    (shown,) = json.loads(outdial("callbacks", followed.campaign, "--json").stdout)
    assert [entry["state"] for entry in shown["callbacks"]] == ["done", "follow_up"]


def test_an_unknown_campaign(outdial: Outdial, followed: ClaimedCall) -> None:
    result = outdial("callbacks", "nobody")
    assert result.exit_code == 1
    assert "there is no campaign 'nobody'" in result.stderr
