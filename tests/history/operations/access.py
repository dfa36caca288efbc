"""Keys, limits, repeated requests, and the directory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from outdial.domain.access import ApiKey, Limit
from outdial.domain.call.request import CallFilter
from outdial.domain.directory import Contact
from outdial.domain.operator import Action, Operation, Operator
from outdial.store.access import console, idempotency, keys, rates
from outdial.store.access.idempotency import IdempotentRequest
from outdial.store.appointments import desk
from outdial.store.appointments.desk import DeskFilter
from outdial.store.call import calls
from outdial.store.compliance import operator_log
from outdial.store.directory import AGENTS, CONTACTS, PHONE_NUMBERS, Directory
from tests import builders
from tests.history.filling import phone_of
from tests.history.operations.registry import NOBODY, TENANT, Scene, operation


@operation
def keys_and_limits(scene: Scene) -> None:
    now = scene.house.now
    key = ApiKey(id="k", tenant=TENANT, name="k", scopes=("*",), enabled=True, created_at=now)
    scene.do(lambda s: keys.add_key(s, key, "digest"))
    for one in ("k", NOBODY):
        scene.do(lambda s, i=one: keys.prove_key(s, i, "digest", now=now))  # type: ignore[misc]
        scene.do(
            lambda s, i=one: keys.rotate_key(s, TENANT, i, "new", previous_until=now)  # type: ignore[misc]
        )
    scene.do(lambda s: keys.list_keys(s, TENANT, limit=10))
    scene.do(lambda s: keys.list_keys(s, TENANT, limit=10, after="key-7"))
    limits = [Limit(name=f"limit-{n}", allowed=9, within=timedelta(hours=n)) for n in (1, 1, 24)]
    scene.do(lambda s: rates.count_requests(s, limits, now=now))


@operation
def signing_in_to_the_console(scene: Scene) -> None:
    now = scene.house.now
    later = now + timedelta(hours=12)
    scene.do(lambda s: console.add_session(s, "new", "key-7", "d", expires_at=later))
    scene.do(lambda s: console.add_link(s, "new", TENANT, expires_at=later))
    for one in ("new", NOBODY):
        scene.do(lambda s, d=one: console.find_session(s, d, now=now))  # type: ignore[misc]
        scene.do(lambda s, d=one: console.take_link(s, d, now=now))  # type: ignore[misc]
        scene.do(lambda s, d=one: console.delete_session(s, d))  # type: ignore[misc]
    scene.do(lambda s: keys.note_use(s, "key-7", now=now))


@operation
def requests_with_a_key(scene: Scene) -> None:
    now = scene.house.now
    for key in ("new", "new", "key-7"):
        request = IdempotentRequest(TENANT, key, "x", "x")
        scene.do(lambda s, r=request: idempotency.begin_request(s, r, now=now))  # type: ignore[misc]
    same = IdempotentRequest(TENANT, "new", "x", "x")
    late = now + timedelta(minutes=5)
    scene.do(lambda s: idempotency.take_over(s, same, now, now=late))
    scene.do(lambda s: idempotency.store_response(s, same, 200, "{}"))
    scene.do(lambda s: idempotency.discard_request(s, same, late))


@operation
def expired_rows_deleted(scene: Scene) -> None:
    now = scene.house.now
    for days in (365, 0):
        before = now - timedelta(days=days)
        scene.do(lambda s, b=before: rates.delete_counts(s, before=b, limit=500))  # type: ignore[misc]
        scene.do(lambda s, b=before: idempotency.delete_responses(s, before=b, limit=500))  # type: ignore[misc]
        scene.do(lambda s, b=before: console.delete_expired(s, now=b, limit=500))  # type: ignore[misc]


@operation
def the_directory(scene: Scene) -> None:
    now = scene.house.now
    number = builders.phone(930_000)
    contact = Contact(id="new", tenant=TENANT, phone=number, created_at=now, updated_at=now)
    again = contact.model_copy(update={"id": "again"})
    scene.do(lambda s: CONTACTS.add(s, contact))
    scene.do(lambda s: CONTACTS.add_new(s, [again]))
    kinds: list[tuple[Directory[Any], str]] = [
        (CONTACTS, "contact-7"), (AGENTS, "agent-7"), (PHONE_NUMBERS, "number-7"),
    ]  # fmt: skip
    for directory, known in kinds:
        for one in (known, NOBODY):
            scene.do(lambda s, d=directory, i=one: d.get(s, TENANT, i))  # type: ignore[misc]
            for version in (None, 1):
                scene.do(
                    lambda s, d=directory, i=one, v=version: d.change(  # type: ignore[misc]
                        s, TENANT, i, {"version": 2}, version=v, now=now
                    )
                )
                scene.do(lambda s, d=directory, i=one, v=version: d.remove(s, TENANT, i, version=v))  # type: ignore[misc]
    for number in (phone_of(9), builders.phone(940_000)):
        scene.do(lambda s, n=number: CONTACTS.find(s, TENANT, phone=n))  # type: ignore[misc]
        scene.do(lambda s, n=number: PHONE_NUMBERS.find(s, TENANT, phone=n))  # type: ignore[misc]
    scene.do(lambda s: AGENTS.find(s, TENANT, is_default=True))


@operation
def the_operator_log(scene: Scene) -> None:
    by, pause = Operator(door="cli"), Operation(Action.PAUSE, "campaign/history-7")
    now = scene.house.now
    scene.do(lambda s: operator_log.note_operation(s, TENANT, by, pause, now=now))
    scene.do(lambda s: operator_log.hash_of(s, TENANT, 7))
    for subject in (None, "campaign/history-7", NOBODY):
        for before in (None, 1000):
            scene.do(
                lambda s, of=subject, b=before: operator_log.list_entries(  # type: ignore[misc]
                    s, TENANT, limit=10, before=b, subject=of
                )
            )
    scene.do(lambda s: next(operator_log.read_log(s, TENANT)))


@operation
def totals_of_lists(scene: Scene) -> None:
    scene.do(lambda s: calls.statuses_of_newest(s, TENANT, CallFilter(), up_to=100))
    scene.do(lambda s: calls.count_views(s, TENANT, CallFilter(), up_to=100))
    scene.do(lambda s: desk.count(s, TENANT, DeskFilter(), up_to=100))
    scene.do(lambda s: CONTACTS.count(s, TENANT, up_to=100))
