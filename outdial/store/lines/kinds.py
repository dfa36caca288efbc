"""Which lines lead to the simulated network."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session

from outdial.domain.line.routing import SIMULATED
from outdial.store.db.tables import line


def simulated_lines(s: Session, tenant: str) -> frozenset[str]:
    """The tenant's lines that are on the simulated network."""
    rows = s.connection().execute(
        select(line.c.name).where(line.c.tenant == tenant, line.c.provider == SIMULATED)
    )
    return frozenset(rows.scalars())


def simulated_among(s: Session, tenant: str, names: Sequence[str]) -> frozenset[str]:
    """Those of the lines that are on the simulated network."""
    rows = s.connection().execute(
        select(line.c.name).where(
            line.c.tenant == tenant, line.c.name.in_(names), line.c.provider == SIMULATED
        )
    )
    return frozenset(rows.scalars())
