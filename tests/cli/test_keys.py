"""`outdial keys` over a real database."""

from __future__ import annotations

import json

from outdial.store.db.database import Database
from tests.cli.conftest import Outdial


def test_made_listed_rotated_revoked(outdial: Outdial, database: Database) -> None:
    made = outdial("keys", "create", "booking", "--scope", "calls:write", "--json")
    assert made.exit_code == 0
    key = json.loads(made.stdout)
    assert key["key"].startswith(f"od_{key['id']}_")
    listed = outdial("keys", "list")
    assert key["id"] in listed.output
    assert key["key"] not in listed.output
    turned = json.loads(outdial("keys", "rotate", key["id"], "--grace", "1h", "--json").stdout)
    assert turned["key"] != key["key"]
    assert outdial("keys", "revoke", key["id"]).output == f"{key['id']} (booking) is revoked.\n"
    (shown,) = json.loads(outdial("keys", "list", "--json").stdout)
    assert shown["revoked_at"] is not None


def test_of_another_tenant(outdial: Outdial, database: Database) -> None:
    key = json.loads(outdial("keys", "create", "x", "--tenant", "acme", "--json").stdout)
    assert key["tenant"] == "acme"
    assert json.loads(outdial("keys", "list", "--json").stdout) == []
    refused = outdial("keys", "revoke", key["id"])
    assert refused.exit_code == 1
    assert refused.stderr == f"there is no key '{key['id']}'\n"


def test_mistakes_are_told(outdial: Outdial, database: Database) -> None:
    wrong = outdial("keys", "create", "x", "--scope", "calls:rite")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("scopes: found scope 'calls:rite'; known are *, agents:read")
    named = outdial("keys", "create", "x", "--tenant", "Acme Inc")
    assert (named.exit_code, "lowercase" in named.stderr) == (1, True)
