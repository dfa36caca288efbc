"""How the doors are guarded, as the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from outdial.api.app import policy_of
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import load_settings


def environ(folder: Path, reference: str) -> dict[str, str]:
    path = folder / "outdial.toml"
    path.write_text(f'[api]\nstripe_webhook_secret = "{reference}"\n', encoding="utf-8")
    return {"OUTDIAL_CONFIG": str(path), "STRIPE": "whsec_ours"}


def test_without_settings_stripe_is_not_believed() -> None:
    assert policy_of(load_settings({})).stripe_webhook_secret is None


def test_stripes_secret_is_found_by_its_reference(tmp_path: Path) -> None:
    policy = policy_of(load_settings(environ(tmp_path, "env:STRIPE")))
    assert policy.stripe_webhook_secret == "whsec_ours"
    assert "whsec_ours" not in repr(policy)


@pytest.mark.parametrize(
    ("reference", "message"), [("env:NOBODY", "NOBODY is not set"), ("whsec_x", "is written out")]
)
def test_a_secret_that_cannot_be_found(tmp_path: Path, reference: str, message: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        policy_of(load_settings(environ(tmp_path, reference)))
    (problem,) = caught.value.problems
    assert problem.startswith("api.stripe_webhook_secret: ")
    assert message in problem
