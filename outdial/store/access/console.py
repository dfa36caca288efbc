"""Sessions of the console and links that sign in to it, found by the digest of their token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlmodel import Session

from outdial.domain.access import ApiKey
from outdial.store.access.keys import match_key
from outdial.store.db.tables import console_session, sign_in_link

_SESSION = select(console_session).where(
    console_session.c.digest == bindparam("of_digest"),
    console_session.c.expires_at > bindparam("now"),
)
_TAKE_LINK = (
    delete(sign_in_link)
    .where(
        sign_in_link.c.digest == bindparam("of_digest"),
        sign_in_link.c.expires_at > bindparam("now"),
    )
    .returning(sign_in_link.c.tenant)
)


def add_session(
    s: Session, digest: str, key_id: str, key_digest: str, *, expires_at: datetime
) -> None:
    """`key_digest` is that of the secret the session was begun with."""
    s.connection().execute(
        insert(console_session).values(
            digest=digest, key_id=key_id, key_digest=key_digest, expires_at=expires_at
        )
    )


def find_session(s: Session, digest: str, *, now: datetime) -> ApiKey | None:
    """The key of a session that has not expired, revoked and expired keys too; None without a
    session, or once the secret that it was begun with is no longer valid."""
    values = {"of_digest": digest, "now": now}
    row = s.connection().execute(_SESSION, values).mappings().first()
    return None if row is None else match_key(s, row["key_id"], row["key_digest"], now=now)


def delete_session(s: Session, digest: str) -> None:
    s.connection().execute(delete(console_session).where(console_session.c.digest == digest))


def add_link(s: Session, digest: str, tenant: str, *, expires_at: datetime) -> None:
    s.connection().execute(
        insert(sign_in_link).values(digest=digest, tenant=tenant, expires_at=expires_at)
    )


def take_link(s: Session, digest: str, *, now: datetime) -> str | None:
    """Use up a link; its tenant. None if there is no such link, it has expired, or was used."""
    return s.connection().execute(_TAKE_LINK, {"of_digest": digest, "now": now}).scalar()


def delete_expired(s: Session, *, now: datetime, limit: int) -> int:
    """Delete sessions and links that have expired; how many. Repeat it until it is fewer than
    `limit`."""
    return max(_delete_expired(s, table, now, limit) for table in (console_session, sign_in_link))


def _delete_expired(s: Session, table: Table, now: datetime, limit: int) -> int:
    expired = (
        select(table.c.digest)
        .where(table.c.expires_at <= now)
        .order_by(table.c.expires_at)
        .limit(limit)
    )
    digests = s.connection().execute(expired).scalars().all()
    if digests:
        one = delete(table).where(table.c.digest == bindparam("of_digest"))
        s.connection().execute(one, [{"of_digest": digest} for digest in digests])
    return len(digests)
