"""Endpoints, deliveries to them, and their clean-up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from outdial.domain.directory import Contact
from outdial.domain.endpoint import (
    Delivery,
    DeliveryAttempt,
    Endpoint,
    EndpointKind,
    EventType,
)
from outdial.store.webhooks import deliveries, endpoints, outbox, outstanding, queues, secrets
from outdial.store.webhooks.deliveries import Outcome
from outdial.store.webhooks.outbox import OutboxEvent
from tests.history.filling import FIRST
from tests.history.operations.registry import NOBODY, TENANT, Scene, operation


def _endpoint(scene: Scene, name: str, kind: EndpointKind = EndpointKind.CALL) -> Endpoint:
    now = scene.house.now
    return Endpoint(
        id=name,
        tenant=TENANT,
        kind=kind,
        campaign_id=scene.history.campaign.id if kind is EndpointKind.CAMPAIGN else None,
        url=f"https://{name}.example",
        secret="s",
        created_at=now,
        updated_at=now,
    )


@operation
def endpoints_made_and_changed(scene: Scene) -> None:
    now = scene.house.now
    new = _endpoint(scene, "new")
    for _ in range(2):
        scene.do(lambda s: endpoints.ensure_endpoint(s, new))
    of_campaign = _endpoint(scene, "of-campaign", EndpointKind.CAMPAIGN)
    for named in ([of_campaign], []):
        scene.do(
            lambda s, n=named: endpoints.set_campaign_endpoints(  # type: ignore[misc]
                s, scene.history.campaign.id, n, now=now
            )
        )
    for one in ("new", NOBODY):
        scene.do(lambda s, i=one: endpoints.get_endpoint(s, TENANT, i))  # type: ignore[misc]
        for version in (None, 1):
            scene.do(
                lambda s, i=one, v=version: endpoints.change_endpoint(  # type: ignore[misc]
                    s, TENANT, i, {"name": "n"}, version=v, now=now
                )
            )
        for until in (now + timedelta(days=1), now):
            scene.do(
                lambda s, i=one, u=until: secrets.rotate_secret(  # type: ignore[misc]
                    s, TENANT, i, "new", now=now, until=u
                )
            )
        scene.do(lambda s, i=one: secrets.former_secrets(s, i, now=now))  # type: ignore[misc]
        scene.do(lambda s, i=one: secrets.former_until(s, i, now=now))  # type: ignore[misc]


@operation
def endpoints_listed(scene: Scene) -> None:
    after = (scene.house.now, "a")
    for chosen in ({}, {"scheme": "standard"}, {"scheme": NOBODY}):
        for behind in (None, after):
            scene.do(
                lambda s, f=chosen, b=behind: endpoints.list_endpoints(  # type: ignore[misc]
                    s, TENANT, limit=10, after=b, **f
                )
            )
    for kind in EndpointKind:
        scene.do(lambda s, k=kind: endpoints.count_endpoints(s, TENANT, k, up_to=100))  # type: ignore[misc]


def _publish(scene: Scene, *subjects: str, endpoint_id: str | None = None) -> None:
    happened = [
        OutboxEvent("call.completed", one, {}, scene.history.campaign.id, endpoint_id)
        for one in subjects
    ]
    scene.do(lambda s: outbox.publish(s, TENANT, happened, now=scene.house.now))


@operation
def events_published(scene: Scene) -> None:
    now = scene.house.now
    _publish(scene, "a", "b", endpoint_id="named-7")
    contact = Contact(id="c", tenant=TENANT, phone="+12125550000", created_at=now, updated_at=now)
    scene.do(lambda s: outbox.publish_contacts(s, [contact], EventType.CONTACT_CREATED, now=now))
    scene.do(
        lambda s: outbox.publish_campaign(
            s, scene.history.campaign, EventType.CAMPAIGN_STARTED, now=now
        )
    )
    to = _endpoint(scene, "named-8")
    scene.do(lambda s: outbox.publish_to(s, to, OutboxEvent("test", "t", {}), now=now))
    scene.do(
        lambda s: outbox.publish_requests(
            s,
            scene.history.direct,
            [scene.history.direct_recipient],
            EventType.CALL_FAILED,
            now=now,
        )
    )


def _record(
    scene: Scene, one: Delivery, status: int, waits: Sequence[timedelta], nothing: bool = False
) -> None:
    now = scene.house.now
    attempt = DeliveryAttempt(
        at=now, url="u", request_headers={}, request_body="", status=status, duration_ms=1,
        error=None if status == 200 else "it failed",
    )  # fmt: skip
    outcome = Outcome(attempt, nothing=nothing)
    scene.do(lambda s: deliveries.record_outcome(s, one, outcome, now=now, waits=waits))


@operation
def deliveries_sent(scene: Scene) -> None:
    house = scene.house
    later = (timedelta(minutes=5),)
    _publish(scene, "x", "x", "y", "z", "w", endpoint_id="named-9")
    house.later(seconds=1)
    due = scene.do(lambda s: outstanding.endpoints_due(s, now=house.now, limit=10))
    ids = [endpoint_id for _, endpoint_id in due]
    scene.do(lambda s: outstanding.take_up(s, ids, now=house.now))
    outbox = scene.do(lambda s: deliveries.due(s, "named-9", now=house.now, limit=50))
    by_subject = {one.subject: one for one in outbox.deliveries}
    _record(scene, by_subject["x"], 500, later)
    _publish(scene, "x", endpoint_id="named-9")
    house.later(seconds=1)
    scene.do(lambda s: queues.set_aside(s, "named-9", now=house.now))
    _record(scene, by_subject["y"], 200, later)
    _record(scene, by_subject["z"], 200, later, nothing=True)
    _record(scene, by_subject["w"], 500, ())
    _record(scene, by_subject["x"], 410, later)
    scene.do(lambda s: outstanding.busy_urls(s, TENANT, 100))
    for one in ("endpoint-2", "named-9", NOBODY):
        scene.do(lambda s, i=one: outstanding.rest(s, i))  # type: ignore[misc]
        scene.do(lambda s, i=one: queues.next_due(s, i))  # type: ignore[misc]
        scene.do(lambda s, i=one: deliveries.due(s, i, now=house.now, limit=10))  # type: ignore[misc]


@operation
def deliveries_looked_at(scene: Scene) -> None:
    for one in (FIRST + 7, 3):
        scene.do(lambda s, i=one: deliveries.get_delivery(s, TENANT, i))  # type: ignore[misc]
        scene.do(lambda s, i=one: deliveries.attempts_of(s, i))  # type: ignore[misc]
        scene.do(lambda s, i=one: deliveries.redeliver(s, TENANT, i, now=scene.house.now))  # type: ignore[misc]


@operation
def old_deliveries_deleted(scene: Scene) -> None:
    now = scene.house.now
    for days in (1, 365):
        before = now - timedelta(days=days)
        scene.do(lambda s, b=before: deliveries.delete_delivered(s, before=b, limit=500))  # type: ignore[misc]
    for at in (now - timedelta(days=1), now + timedelta(hours=1)):
        scene.do(lambda s, t=at: secrets.delete_former_secrets(s, now=t, limit=10))  # type: ignore[misc]
