"""Keys, limits, stored responses and sessions of the filled tenant."""

from __future__ import annotations

from outdial.domain.record import DEFAULT_TENANT
from outdial.store.db.tables import (
    api_key,
    console_session,
    idempotency,
    rate_count,
    sign_in_link,
)
from tests.history.series import Fill


def fill_access(fill: Fill) -> None:
    mine = {"tenant": f"'{DEFAULT_TENANT}'"}
    fill.insert(api_key, mine | {"id": "'key-' || n", "digest": "'d'"}, rows=50)
    fill.insert(idempotency, mine | {"key": "'key-' || n", "created_at": fill.at("n / 10")})
    fill.insert(rate_count, {"name": "'limit-' || n", "started_at": fill.at("n / 10")})
    ends = {"digest": "'digest-' || n", "expires_at": fill.at("n / 10")}
    fill.insert(console_session, ends | {"key_id": "'key-' || n", "key_digest": "'d'"})
    fill.insert(sign_in_link, mine | ends)
