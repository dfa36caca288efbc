"""Directory: contacts, agents and phone numbers, a table each with the same operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlmodel import Session

from outdial.domain.directory import Contact, PhoneNumber, RegisteredAgent
from outdial.store.db.dialect import insert_into
from outdial.store.db.tables import agent, contact, phone_number

Kept = TypeVar("Kept", Contact, RegisteredAgent, PhoneNumber)


@cache
def _first(table: Table, names: tuple[str, ...]) -> Select[Any]:
    """Cached: building it takes longer than running it, and every call selects an agent."""
    of = [table.c[name] == bindparam(name, type_=table.c[name].type) for name in names]
    query = select(table).where(table.c.tenant == bindparam("of_tenant"), *of)
    return query.order_by(table.c.created_at, table.c.id).limit(1)


class Directory(Generic[Kept]):
    """The rows of one kind: contacts, agents or phone numbers."""

    def __init__(self, kind: str, table: Table, model: type[Kept]) -> None:
        self.kind = kind
        self._table = table
        self.model: type[Any] = model

    def add(self, s: Session, kept: Kept) -> None:
        """Raises StatementRefused when the tenant has one with this id or number."""
        s.connection().execute(insert(self._table).values(kept.model_dump()))

    def add_new(self, s: Session, kept: Sequence[Kept]) -> list[Kept]:
        """Add those whose ids and numbers are free; these."""
        if not kept:
            return []
        added = insert_into(s, self._table).on_conflict_do_nothing().returning(self._table.c.id)
        rows = s.connection().execute(added, [one.model_dump() for one in kept])
        ids = set(rows.scalars())
        return [one for one in kept if one.id in ids]

    def get(self, s: Session, tenant: str, kept_id: str) -> Kept | None:
        return self.find(s, tenant, id=kept_id)

    def find(self, s: Session, tenant: str, **values: Any) -> Kept | None:
        """The first one with these values."""
        query = _first(self._table, tuple(values))
        row = s.connection().execute(query, {"of_tenant": tenant, **values}).mappings().first()
        return None if row is None else self.model.model_validate(dict(row))

    def page(
        self,
        s: Session,
        tenant: str,
        *,
        limit: int,
        after: tuple[datetime, str] | None = None,
        offset: int = 0,
        search: str | None = None,
        tags: Sequence[str] = (),
        **values: Any,
    ) -> list[Kept]:
        """By the time at which they were made, oldest first."""
        table = self._table
        query = select(table).where(*self._chosen(tenant, search, tags, values))
        if after is not None:
            when = literal(after[0], table.c.created_at.type)
            query = query.where(tuple_(table.c.created_at, table.c.id) > tuple_(when, after[1]))
        query = query.order_by(table.c.created_at, table.c.id).limit(limit).offset(offset)
        rows = s.connection().execute(query).mappings()
        return [self.model.model_validate(dict(row)) for row in rows]

    def count(
        self,
        s: Session,
        tenant: str,
        *,
        up_to: int,
        search: str | None = None,
        tags: Sequence[str] = (),
        **values: Any,
    ) -> int:
        """How many there are; no more are counted than `up_to`."""
        of = self._chosen(tenant, search, tags, values)
        some = select(self._table.c.id).where(*of).limit(up_to).subquery()
        query = select(func.count()).select_from(some)
        return int(s.connection().execute(query).scalar_one())

    def change(
        self,
        s: Session,
        tenant: str,
        kept_id: str,
        values: dict[str, Any],
        *,
        version: int | None,
        now: datetime,
    ) -> bool:
        """Change columns; False when there is none of that version (any, if it is None)."""
        table = self._table
        changed = update(table).where(table.c.tenant == tenant, table.c.id == kept_id)
        if version is not None:
            changed = changed.where(table.c.version == version)
        named = values | {"updated_at": now, "version": table.c.version + 1}
        return s.connection().execute(changed.values(named)).rowcount > 0

    def remove(self, s: Session, tenant: str, kept_id: str, *, version: int | None) -> bool:
        """False when there is none of that version (any, if it is None)."""
        table = self._table
        removed = delete(table).where(table.c.tenant == tenant, table.c.id == kept_id)
        if version is not None:
            removed = removed.where(table.c.version == version)
        return s.connection().execute(removed).rowcount > 0

    def _chosen(
        self, tenant: str, search: str | None, tags: Sequence[str], values: dict[str, Any]
    ) -> list[ColumnElement[bool]]:
        table = self._table
        conditions: list[ColumnElement[bool]] = [table.c.tenant == tenant]
        conditions += [table.c[name] == value for name, value in values.items()]
        if search:
            among: list[ColumnElement[Any]] = [c for c in table.c if c.name in _SEARCHED]
            if "first_name" in table.c:
                among.append(_whole_name(table))
            search = " ".join(search.split())
            conditions.append(or_(*(c.icontains(search, autoescape=True) for c in among)))
        for tag in tags:
            # Tags are kept as a JSON list: a whole one stands in quotes.
            quoted = json.dumps(tag)
            conditions.append(type_coerce(table.c.tags, Text).contains(quoted, autoescape=True))
        return conditions


def _whole_name(table: Table) -> ColumnElement[str]:
    """First and last name with a space between them, as people write it."""
    first, last = (func.coalesce(table.c[name], "") for name in ("first_name", "last_name"))
    return first + literal(" ") + last


_SEARCHED = frozenset({"name", "first_name", "last_name", "email", "phone", "company", "label"})

CONTACTS = Directory("contact", contact, Contact)
AGENTS = Directory("agent", agent, RegisteredAgent)
PHONE_NUMBERS = Directory("phone number", phone_number, PhoneNumber)
