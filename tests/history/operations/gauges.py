"""Gauges for the metrics of the API."""

from __future__ import annotations

from outdial.store.gauges import read_store_gauges
from tests.builders import LINE
from tests.history.operations.registry import TENANT, Scene, operation


@operation
def gauges_read(scene: Scene) -> None:
    scene.do(lambda s: read_store_gauges(s, {(TENANT, LINE)}, scene.house.now))
