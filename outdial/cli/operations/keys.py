"""`outdial keys`."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from outdial.cli.attachment import MIGRATE_FIRST, reading_records
from outdial.cli.exit_codes import OK
from outdial.cli.output import flush_json, new_table, print_table, say
from outdial.cli.running import run, settings_or_fail

if TYPE_CHECKING:
    from outdial.domain.access import ApiKey
    from outdial.resources.resources import Resources
    from outdial.runtime.settings.settings import Settings
    from outdial.services.accounts.keys import NewKey

T = TypeVar("T")

app = typer.Typer(help="Manage the keys of the HTTP API.", no_args_is_help=True)

Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant", help="The tenant; default: the installation's own.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
KeyId = Annotated[str, typer.Argument(help="The key's id.", show_default=False)]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="Such as calls:write; default: every scope."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="An instant, or a duration such as 90d."),
    ] = None,
    calls_per_day: Annotated[
        int | None,
        typer.Option(
            "--calls-per-day",
            min=0,
            help="How many calls it may request in 24 hours; default: as in the settings.",
        ),
    ] = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it. It is not shown again."""
    from outdial.domain.access import EVERYTHING

    scopes = tuple(scope or [EVERYTHING])
    settings = settings_or_fail()
    run(_create(settings, name, scopes, expires, calls_per_day, tenant, as_json))


@app.command("list")
def list_keys(tenant: Tenant = None, as_json: Json = False) -> None:
    """List all keys, without their secrets."""
    run(_list(settings_or_fail(), tenant, as_json))


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[
        str, typer.Option("--grace", help="How long the previous secret stays valid.")
    ] = "0s",
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Replace a key's secret and print it. It is not shown again."""
    run(_rotate(settings_or_fail(), key_id, grace, tenant, as_json))


@app.command()
def revoke(key_id: KeyId, tenant: Tenant = None) -> None:
    """Revoke a key for good."""
    run(_revoke(settings_or_fail(), key_id, tenant))


@asynccontextmanager
async def _of_tenant(settings: Settings, tenant: str | None) -> AsyncIterator[Resources]:
    from outdial.domain.definition.campaign import NAME_PATTERN
    from outdial.services.errors import RequestRefused

    if tenant is not None and not re.fullmatch(NAME_PATTERN, tenant):
        raise RequestRefused(f"found tenant {tenant!r}; use lowercase letters, digits, - and _")
    async with reading_records(settings, hint=MIGRATE_FIRST) as at:
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
    from outdial.services.accounts import keys as service

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
    from outdial.domain.definition.fields import parse_duration
    from outdial.services.accounts import keys as service

    async with _of_tenant(settings, tenant) as ctx:
        _show(
            await service.rotate_key(ctx, key_id, grace=_parsed("--grace", parse_duration, grace)),
            as_json,
        )
    return OK


async def _revoke(settings: Settings, key_id: str, tenant: str | None) -> int:
    from outdial.services.accounts import keys as service

    async with _of_tenant(settings, tenant) as ctx:
        key = await service.revoke_key(ctx, key_id)
    say(f"{key.id} ({key.name}) is revoked.")
    return OK


async def _list(settings: Settings, tenant: str | None, as_json: bool) -> int:
    from outdial.services.accounts import keys as service

    async with _of_tenant(settings, tenant) as ctx:
        keys = await service.list_all_keys(ctx)
    if as_json:
        flush_json(json.dumps([key.model_dump(mode="json") for key in keys], ensure_ascii=False))
        return OK
    table = new_table("id", "name", "scopes", "created", "last used", "state")
    for key in keys:
        table.add_row(
            key.id, key.name, " ".join(key.scopes), _at(key.created_at), _at(key.last_used_at),
            _state(key, ctx.clock()),
        )  # fmt: skip
    print_table(table)
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
    return "active" if key.enabled else "disabled"


def _at(instant: datetime | None) -> str:
    return "never" if instant is None else f"{instant:%Y-%m-%d %H:%M}Z"


def _expiry(text: str, now: datetime) -> datetime:
    """An instant, or a duration from now. Raises RequestRefused."""
    from outdial.domain.definition.fields import parse_duration, parse_instant

    try:
        return now + parse_duration(text)
    except ValueError:
        return _parsed("--expires", parse_instant, text)


def _parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    from outdial.services.errors import RequestRefused

    try:
        return parse(text)
    except ValueError as error:
        raise RequestRefused(f"{option}: {error}") from error
