"""The blocks of docs/providers.md dial: read as settings, built, and tried at each far side."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.line.breaker import BreakerPolicy
from outdial.intake.definition import read_definition_text
from outdial.providers.catalog import CATALOG
from outdial.runtime.lines import build_line
from outdial.runtime.settings.settings import Settings, load_settings
from tests.providers.contract.registry import stages
from tests.providers.contract.stage import Stage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
PROVIDERS = sorted(CATALOG.keys() - {"simulated"})


def _block(provider: str) -> str:
    blocks = [block for block in BLOCKS if f'provider = "{provider}"' in block]
    assert len(blocks) == 1, f"docs/providers.md has {len(blocks)} blocks of {provider}; write one"
    return str(blocks[0])


def _credentials(block: str) -> dict[str, str]:
    (line,) = tomllib.loads(block)["lines"].values()
    return dict(line["credentials"])


def _settings(folder: Path, provider: str, **variables: str) -> Settings:
    path = folder / "outdial.toml"
    path.write_text(_block(provider), encoding="utf-8")
    return load_settings({"OUTDIAL_CONFIG": str(path), **variables})


def test_blocks_are_those_of_the_catalog() -> None:
    shown = [tomllib.loads(block)["lines"] for block in BLOCKS]
    assert sorted(name for lines in shown for name in lines) == PROVIDERS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_block_has_at_most_six_lines(provider: str) -> None:
    lines = _block(provider).strip().splitlines()
    assert lines[0] == f"[lines.{provider}]"
    assert len(lines) <= 6


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_block_dials(provider: str, tmp_path: Path) -> None:
    async with stages()[provider]().on_connections() as stage:
        line = build_line(_connected(provider, stage, tmp_path), provider)
        caller_id = next(iter(line.policy.caller_ids), None)
        try:
            placed = await line.provider.place(stage.order(caller_id=caller_id))
            assert await line.provider.check()
        finally:
            await line.provider.aclose()
            assert stage.violations == [], "before whatever the adapter made of the answer to it"
        assert placed.provider_call_id in stage.calls


def _connected(provider: str, stage: Stage, folder: Path) -> Settings:
    """The block as it stands, with an account at this far side."""
    variables = {f"OUTDIAL_LINES__{provider}__BASE_URL".upper(): stage.line().base_url or ""}
    given = stage.credentials()
    for key, reference in _credentials(_block(provider)).items():
        variables[reference.removeprefix("env:")] = given[key]
    return _settings(folder, provider, **variables)


def test_a_block_is_no_faster_than_an_account(provider: str, tmp_path: Path) -> None:
    line = _settings(tmp_path, provider).lines[provider]
    allowed = CATALOG[provider].capabilities
    if line.per_second is not None and allowed.calls_per_second is not None:
        assert line.per_second <= allowed.calls_per_second
    if line.max_concurrent is not None and allowed.concurrent_calls is not None:
        assert line.max_concurrent <= allowed.concurrent_calls


def test_the_lines_of_a_campaign_are_as_shown() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    definition = _definition(shown)
    assert [(share.name, share.weight) for share in definition.line or ()] == [
        ("vapi", 3),
        ("retell", 1),
        ("twilio", 0),
    ]


def _definition(shown: str) -> CampaignDefinition:
    head: dict[str, Any] = {"name": "x", "purpose": "informational", "agent": "a"}
    text = "".join(f"{key}: {value}\n" for key, value in head.items())
    recipients = 'recipients: [{ phone: "+12025550123" }]\n'
    return read_definition_text(text + recipients + shown).definition


def test_every_setting_of_a_breaker_is_named() -> None:
    (named,) = re.findall(r"`\[lines\.main\.breaker\]` takes(.*?)\.\n", PAGE, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", named)) == set(BreakerPolicy.model_fields)
