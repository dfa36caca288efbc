"""Numbers that must not be called; read by every decision and once more at the fence."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session

from store.dialect import insert_into
from store.tables import suppression


def suppress(
    s: Session, tenant: str, number: str, reason: str, *, now: datetime, source: str
) -> bool:
    """Never call a number (E.164) again; the first reason stays. False when it was known."""
    added = s.connection().execute(
        insert_into(s, suppression)
        .values(tenant=tenant, phone=number, reason=reason, source=source, created_at=now)
        .on_conflict_do_nothing()
        .returning(suppression.c.phone)
    )
    return added.first() is not None


def is_suppressed(s: Session, tenant: str, number: str) -> str | None:
    """Why a number must not be called; None when it may."""
    found = select(suppression.c.reason).where(
        suppression.c.tenant == tenant, suppression.c.phone == number
    )
    reason: str | None = s.connection().execute(found).scalar_one_or_none()
    return reason


def lift(s: Session, tenant: str, number: str) -> bool:
    """Allow a number again; recipients that ended because of it stay ended."""
    removed = s.connection().execute(
        delete(suppression).where(suppression.c.tenant == tenant, suppression.c.phone == number)
    )
    return removed.rowcount > 0
