"""Keys, limits and answers given before, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from outdial.domain.access import ApiKey, Limit
from outdial.store.access import idempotency, keys, rates
from outdial.store.access.idempotency import IdempotentRequest, StoredResponse
from outdial.store.db.database import Database
from tests.builders import NOW

pytestmark = pytest.mark.both_databases

LIMIT = Limit(name="key/k1", allowed=5, within=timedelta(minutes=1))
REQUEST = IdempotentRequest("default", "order-1", "POST /v1/calls", "digest")


def test_every_request_is_counted_once(database: Database) -> None:
    def count(_: int) -> int:
        (usage,) = database.write_sync(lambda s: rates.count_requests(s, [LIMIT], now=NOW))
        return usage.used

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(count, range(40))) == list(range(1, 41))


def test_a_window_begins_with_its_first_request(database: Database) -> None:
    def used(seconds: float) -> tuple[int, bool]:
        now = NOW + timedelta(seconds=seconds)
        (usage,) = database.write_sync(lambda s: rates.count_requests(s, [LIMIT], now=now))
        return usage.used, usage.exceeded

    assert [used(second) for second in (0, 10, 20, 30, 59, 59.9)] == [
        (1, False), (2, False), (3, False), (4, False), (5, False), (6, True),
    ]  # fmt: skip
    assert used(60) == (1, False)
    assert database.write_sync(lambda s: rates.delete_counts(s, before=NOW, limit=9)) == 0
    later = NOW + timedelta(hours=1)
    assert database.write_sync(lambda s: rates.delete_counts(s, before=later, limit=9)) == 1


def test_of_two_with_one_key_one_carries_it_out(database: Database) -> None:
    def ask(_: int) -> StoredResponse | None:
        return database.write_sync(lambda s: idempotency.begin_request(s, REQUEST, now=NOW))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert [answer for answer in answers if answer is not None] == [StoredResponse(same=True)] * 15
    database.write_sync(lambda s: idempotency.store_response(s, REQUEST, 201, '{"id":1}'))
    assert ask(0) == StoredResponse(True, 201, '{"id":1}')
    other = IdempotentRequest("default", "order-1", "POST /v1/calls", "another body")
    stored = database.write_sync(lambda s: idempotency.begin_request(s, other, now=NOW))
    assert stored is not None
    assert not stored.same
    elsewhere = IdempotentRequest("other", "order-1", "POST /v1/calls", "another body")
    assert database.write_sync(lambda s: idempotency.begin_request(s, elsewhere, now=NOW)) is None


def test_who_died_before_the_answer_is_replaced_once(database: Database) -> None:
    def ask(seconds: float) -> StoredResponse | None:
        now = NOW + timedelta(seconds=seconds)
        return database.write_sync(lambda s: idempotency.begin_request(s, REQUEST, now=now))

    def take_over(begun_at: datetime, seconds: float) -> bool:
        now = NOW + timedelta(seconds=seconds)
        return database.write_sync(lambda s: idempotency.take_over(s, REQUEST, begun_at, now=now))

    assert ask(0) is None
    stored = ask(59)
    assert stored == StoredResponse(same=True)
    assert stored.begun_at == NOW
    assert [take_over(NOW, 61), take_over(NOW, 61)] == [True, False]
    begun_at = NOW + timedelta(seconds=61)
    database.write_sync(lambda s: idempotency.discard_request(s, REQUEST, NOW))
    assert ask(62) == StoredResponse(same=True), "who was replaced discards nothing"
    database.write_sync(lambda s: idempotency.discard_request(s, REQUEST, begun_at))
    assert ask(63) is None
    database.write_sync(lambda s: idempotency.store_response(s, REQUEST, 201, "{}"))
    assert not take_over(NOW + timedelta(seconds=63), 200)


def test_a_key_is_proved_by_its_digest(database: Database) -> None:
    key = ApiKey(id="k1", tenant="t", name="n", scopes=("*",), enabled=True, created_at=NOW)
    database.write_sync(lambda s: keys.add_key(s, key, "digest-1"))

    def proves(digest: str, seconds: float = 0) -> bool:
        now = NOW + timedelta(seconds=seconds)
        return database.write_sync(lambda s: keys.prove_key(s, "k1", digest, now=now)) is not None

    assert proves("digest-1")
    assert not proves("digest-2")
    until = NOW + timedelta(seconds=30)
    database.write_sync(lambda s: keys.rotate_key(s, "t", "k1", "digest-2", previous_until=until))
    assert [proves("digest-1", 29), proves("digest-1", 30), proves("digest-2", 30)] == [
        True, False, True,
    ]  # fmt: skip
    assert database.write_sync(lambda s: keys.change_key(s, "u", "k1", enabled=False)) is None
