"""Settings of webhooks out: the waits between tries, and how long the log is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.endpoint import RETRY_AFTER
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import load_settings


def test_what_nobody_sets() -> None:
    settings = load_settings({})
    assert (settings.delivery_waits, settings.keep_deliveries) == (RETRY_AFTER, timedelta(days=30))


def test_they_can_be_set() -> None:
    settings = load_settings(
        {"OUTDIAL_DELIVERY_WAITS": '["5s", "1m"]', "OUTDIAL_KEEP_DELIVERIES": "1w"}
    )
    assert settings.delivery_waits == (timedelta(seconds=5), timedelta(minutes=1))
    assert settings.keep_deliveries == timedelta(weeks=1)


def test_a_wait_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="DELIVERY_WAITS: found a wait of nothing; write 1s"):
        load_settings({"OUTDIAL_DELIVERY_WAITS": '["5s", "0s"]'})
