"""`outdial keys`."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from outdial.cli.attachment import NothingYet, looked_at
from outdial.cli.exit_codes import OK
from outdial.cli.output import fail, flush_json, out, say
from outdial.cli.running import run, settings_or_fail
from outdial.domain.access import EVERYTHING, ApiKey
from outdial.domain.definition.campaign import NAME_PATTERN
from outdial.domain.definition.fields import parse_duration, parse_instant
from outdial.resources.resources import Resources
from outdial.runtime.settings.settings import Settings
from outdial.services.accounts import keys as service
from outdial.services.accounts.keys import NewKey

app = typer.Typer(help="Keys to the HTTP API.", no_args_is_help=True)

Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant", help="Whose keys; default: the installation's own.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
KeyId = Annotated[str, typer.Argument(help="The key's id.", show_default=False)]
NO_DATABASE = "{error}; `outdial migrate` prepares a database"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What it may do; default: everything.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="Until when: an instant, or 90d.")
    ] = None,
    calls_per_day: Annotated[
        int | None,
        typer.Option(
            "--calls-per-day",
            min=0,
            help="How many calls it may ask for in 24 hours; default: as the settings say.",
        ),
    ] = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    scopes = tuple(scope or [EVERYTHING])
    settings = settings_or_fail()
    _run(_create(settings, name, scopes, expires, calls_per_day, tenant, as_json))


@app.command("list")
def list_keys(tenant: Tenant = None, as_json: Json = False) -> None:
    """Show all keys, without their secrets."""
    _run(_list(settings_or_fail(), tenant, as_json))


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[
        str, typer.Option("--grace", help="How long the secret before stays good.")
    ] = "0s",
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Give a key another secret and show it, this once."""
    _run(_rotate(settings_or_fail(), key_id, grace, tenant, as_json))


@app.command()
def revoke(key_id: KeyId, tenant: Tenant = None) -> None:
    """End a key for good."""
    _run(_revoke(settings_or_fail(), key_id, tenant))


def _run(work: Coroutine[Any, Any, int]) -> None:
    try:
        run(work)
    except NothingYet as error:
        fail(NO_DATABASE.format(error=error))
    except ValueError as error:
        fail(str(error))


@asynccontextmanager
async def _of_tenant(settings: Settings, tenant: str | None) -> AsyncIterator[Resources]:
    if tenant is not None and not re.fullmatch(NAME_PATTERN, tenant):
        raise ValueError(f"found tenant {tenant!r}; use lowercase letters, digits, - and _")
    async with looked_at(settings) as at:
        yield replace(at.context, tenant=tenant or at.context.tenant)


async def _create(
    settings: Settings,
    name: str,
    scopes: tuple[str, ...],
    expires: str | None,
    calls_per_day: int | None,
    tenant: str | None,
    as_json: bool,
) -> int:
    async with _of_tenant(settings, tenant) as ctx:
        expires_at = None if expires is None else _expiry(expires, ctx.clock())
        new = await service.create_key(
            ctx, name, scopes, expires_at=expires_at, calls_per_day=calls_per_day
        )
        _show(new, as_json)
    return OK


async def _rotate(
    settings: Settings, key_id: str, grace: str, tenant: str | None, as_json: bool
) -> int:
    async with _of_tenant(settings, tenant) as ctx:
        _show(await service.rotate_key(ctx, key_id, grace=parse_duration(grace)), as_json)
    return OK


async def _revoke(settings: Settings, key_id: str, tenant: str | None) -> int:
    async with _of_tenant(settings, tenant) as ctx:
        key = await service.revoke_key(ctx, key_id)
    say(f"{key.id} ({key.name}) is revoked.")
    return OK


async def _list(settings: Settings, tenant: str | None, as_json: bool) -> int:
    found: list[ApiKey] = []
    async with _of_tenant(settings, tenant) as ctx:
        while True:
            after = found[-1].id if found else None
            page = await service.list_keys(ctx, after=after)
            found += page
            if len(page) < service.PAGE:
                break
    if as_json:
        flush_json(json.dumps([key.model_dump(mode="json") for key in found], ensure_ascii=False))
        return OK
    table = Table("id", "name", "scopes", "made", "last used", "state", box=None)
    for key in found:
        table.add_row(
            key.id, key.name, " ".join(key.scopes), _at(key.created_at), _at(key.last_used_at),
            _state(key, ctx.clock()),
        )  # fmt: skip
    out.print(table)
    return OK


def _show(new: NewKey, as_json: bool) -> None:
    if as_json:
        flush_json(json.dumps(new.key.model_dump(mode="json") | {"key": new.text}))
        return
    say(f"{new.key.name} ({new.key.id}), may {' '.join(new.key.scopes)}:")
    say(f"  {new.text}")
    say("It is not shown again. Send it as Authorization: Bearer <key>.")


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_at(key.revoked_at)}"
    if key.expires_at is not None and key.expires_at <= now:
        return f"expired {_at(key.expires_at)}"
    return "good" if key.enabled else "switched off"


def _at(instant: datetime | None) -> str:
    return "never" if instant is None else f"{instant:%Y-%m-%d %H:%M}Z"


def _expiry(text: str, now: datetime) -> datetime:
    """An instant, or a duration from now. Raises ValueError."""
    try:
        return now + parse_duration(text)
    except ValueError:
        return parse_instant(text)
