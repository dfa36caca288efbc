"""Every adapter stands on a stage."""

from __future__ import annotations

from outdial.providers.catalog import CATALOG
from tests.providers.contract.registry import stages

_TESTED_ON_ITS_OWN = {"simulated"}
"""Has a far side that is part of the project, and tests against that."""


def test_every_adapter_has_a_stage() -> None:
    assert set(stages()) == set(CATALOG) - _TESTED_ON_ITS_OWN


def test_a_stage_is_about_the_adapter_of_its_name() -> None:
    for name, stage in stages().items():
        assert stage.provider_class is CATALOG[name]
        assert stage.provider_class.name == name
