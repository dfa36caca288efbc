"""Notes on a roster that can be launched as it is, and is probably not what was meant: columns that
look like something that the engine would heed if they were mapped, and appointments in the past."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from outdial.domain.definition.source import CsvSource
from outdial.domain.rules.location import LocatedDraft
from outdial.intake.contacts.columns import CONSENT_ROLES, plain_name
from outdial.intake.contacts.table import ContactTable
from outdial.intake.definition import LoadedDefinition

_DO_NOT_CALL = re.compile(
    r".*(donot(call|contact|phone|dial)|dontcall|nocall|dnc|optedout|optout|unsubscribed?|suppress"
    r"|blacklist|blocklist|robinson|callstop|stopcall).*|blocked|stop"
)
_CONSENT = re.compile(r".*(consent|optin|optedin|permission|tcpa|mayc(all|ontact)|oktocall).*")
_TIME_ZONE = re.compile(r".*(timezone|tzname|tzid|olson|zeitzone).*|tz|iana(zone|tz)?|zone")
_EMAIL = re.compile(r"(.*[a-z])?e?mail(s|address|addr|adresse|id)?[0-9]*")
_NO_EMAIL = re.compile(r".*(voicemail|mail(ing)?(code|zip|city|state|street|list|address)).*")


@dataclass(frozen=True, slots=True)
class _Columns:
    """The names that a roster gives its values."""

    kind: str
    """`column` of a file, `key` of listed recipients."""
    variables: tuple[str, ...]
    """Those that are mapped to nothing."""
    mapped: frozenset[str]
    """What the others hold, such as `time_zone`."""


def count_past(drafts: Iterable[LocatedDraft], now: datetime) -> int:
    """How many of them have an existing appointment that has passed."""
    starts = (draft.appointment_at for draft in drafts)
    return sum(start is not None and start < now for start in starts)


def column_notes(loaded: LoadedDefinition) -> tuple[str, ...]:
    """What to point out about the names of a roster's values; each kind once."""
    columns = _columns(loaded)
    return () if columns is None else tuple(_notes(loaded, columns))


def past_notes(past: int) -> tuple[str, ...]:
    """What to say of so many rows whose existing appointment is in the past."""
    if not past:
        return ()
    rows = "1 row has" if past == 1 else f"{past:,} rows have"
    return (f"{rows} an existing appointment in the past: people are called about it all the same",)


def _notes(loaded: LoadedDefinition, columns: _Columns) -> Iterator[str]:
    kind = columns.kind
    listed = _alike(columns.variables, _DO_NOT_CALL)
    if listed:
        yield (
            f"{_named(kind, listed)} looks like a mark of people who must not be called, and is "
            "not heeded: leave them out, or put their numbers on the list with `outdial suppress`"
        )
    consents = _alike(columns.variables, _CONSENT, without=listed)
    if consents and not columns.mapped & CONSENT_ROLES.keys():
        yield (
            f"{_named(kind, consents)} looks like a consent, and proves none: map it "
            f"({_mapping(kind, 'consent', consents[0])})"
        )
    zones = _alike(columns.variables, _TIME_ZONE)
    if zones and "time_zone" not in columns.mapped:
        yield (
            f"{_named(kind, zones)} looks like the person's time zone, which is worked out from "
            f"the number instead: map it ({_mapping(kind, 'time_zone', zones[0])})"
        )
    mail = [
        name
        for name in _alike(columns.variables, _EMAIL, without=listed)
        if not _NO_EMAIL.fullmatch(plain_name(name)) and name not in loaded.source_text
    ]
    if mail:
        yield (
            f"{_named(kind, mail)} looks like an e-mail address, and nothing is mailed to it: a "
            'callback with do: email names it in to, such as to: "{{ email }}"'
        )


def _columns(loaded: LoadedDefinition) -> _Columns | None:
    """None where they can't be read: what is wrong is reported with the rows."""
    source = loaded.definition.recipients
    if isinstance(source, CsvSource):
        if loaded.base is None:
            return None
        layout = ContactTable(source, loaded.base / source.csv, loaded.source_map).layout()
        if layout is None:
            return None
        roles = layout.roles
        parts = {part for part, _ in roles.consent}
        mapped = {role for role, part in CONSENT_ROLES.items() if part in parts}
        mapped |= {"time_zone"} if roles.time_zone is not None else set()
        return _Columns("column", tuple(name for name, _ in layout.variables), frozenset(mapped))
    names = dict.fromkeys(name for one in source for name in one.variables)
    given = {name for one in source for name in one.model_fields_set}
    return _Columns("key", tuple(names), frozenset(given))


def _alike(
    names: Sequence[str], pattern: re.Pattern[str], without: Sequence[str] = ()
) -> list[str]:
    return [name for name in names if pattern.fullmatch(plain_name(name)) and name not in without]


def _named(kind: str, names: Sequence[str]) -> str:
    return f"{kind} " + " or ".join(repr(name) for name in names[:3])


def _mapping(kind: str, role: str, name: str) -> str:
    return f"columns: {{{role}: {name}}}" if kind == "column" else f"rename it to {role}"
