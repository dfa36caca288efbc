"""Settings: where they come from, and one exact line for each thing that is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.money.price import LinePrice
from outdial.providers.catalog import CATALOG
from outdial.runtime.lines import build_lines, require_serving
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.settings import load_settings


def write(folder: Path, text: str) -> dict[str, str]:
    path = folder / "outdial.toml"
    path.write_text(text, encoding="utf-8")
    return {"OUTDIAL_CONFIG": str(path)}


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ)
    return list(caught.value.problems)


def test_nothing_need_be_set() -> None:
    settings = load_settings({})
    assert settings.state_dir == Path(".outdial")
    assert settings.database == "sqlite:///.outdial/outdial.db"
    assert settings.tenant == "default"
    assert settings.lines == {}


def test_file_and_environment_are_laid_over_one_another(tmp_path: Path) -> None:
    environ = write(
        tmp_path,
        """
        tenant = "clinic"
        sweep_every = "1m"
        [lines.main]
        provider = "simulated"
        max_concurrent = 40
        ring_silence = "90s"
        caller_ids = ["+12025550123"]
        credentials = { api_key = "k" }
        [lines.main.options]
        people = { seed = 3 }
        [lines.main.breaker]
        min_attempts = 20
        wait = "2m"
        """,
    )
    settings = load_settings(
        environ
        | {
            "OUTDIAL_TENANT": "practice",
            "OUTDIAL_UPSERT_STATUS": "false",
            "OUTDIAL_LINES__MAIN__BASE_URL": "http://127.0.0.1:9",
            "OUTDIAL_LINES__MAIN__CREDENTIALS__WEBHOOK_SECRET": "env:THE_SECRET",
        }
    )
    assert settings.tenant == "practice"
    assert settings.sweep_every == timedelta(minutes=1)
    assert settings.upsert_status is False
    line = settings.lines["main"]
    assert line.base_url == "http://127.0.0.1:9"
    assert line.credentials == {"api_key": "k", "webhook_secret": "env:THE_SECRET"}
    assert line.options == {"people": {"seed": 3}}
    policy = line.policy()
    assert policy.max_concurrent == 40
    assert policy.ring_silence == timedelta(seconds=90)
    assert policy.caller_ids == ("+12025550123",)
    assert policy.breaker == BreakerPolicy(min_attempts=20, wait=timedelta(minutes=2))
    assert policy.talk_silence == timedelta(minutes=2), "what is not set keeps its default"


WRONG_VARIABLES = [
    (
        {"OUTDIAL_DATABSE_URL": "sqlite:///x"},
        "OUTDIAL_DATABSE_URL: there is no such setting; did you mean OUTDIAL_DATABASE_URL?",
    ),
    (
        {"OUTDIAL_CLAIM_LINGER_MS": "soon"},
        "OUTDIAL_CLAIM_LINGER_MS: found 'soon'; write a whole number from 0 to 10000",
    ),
    (
        {"OUTDIAL_CLAIM_LINGER_MS": "-1"},
        "OUTDIAL_CLAIM_LINGER_MS: found '-1'; write a whole number from 0 to 10000",
    ),
    (
        {"OUTDIAL_UPSERT_STATUS": "sometimes"},
        "OUTDIAL_UPSERT_STATUS: found 'sometimes'; write true or false",
    ),
    (
        {"OUTDIAL_SWEEP_EVERY": "30"},
        "OUTDIAL_SWEEP_EVERY: found '30'; "
        "write a number and a unit, such as 45s, 10m, 2h, 1d or 1h30m",
    ),
    (
        {"OUTDIAL_SWEEP_EVERY": "0.5s"},
        "OUTDIAL_SWEEP_EVERY: found less than a second; write 1s or more, such as 30s",
    ),
    (
        {"OUTDIAL_PUBLIC_URL": "calls.example.com"},
        "OUTDIAL_PUBLIC_URL: found 'calls.example.com'; "
        "write a URL such as https://calls.example.com",
    ),
    (
        {"OUTDIAL_API_PORT": "70000"},
        "OUTDIAL_API_PORT: found '70000'; write a whole number from 1 to 65535",
    ),
    (
        {"OUTDIAL_LOG_LEVEL": "LOUD"},
        "OUTDIAL_LOG_LEVEL: found 'LOUD'; write one of 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
    ),
    (
        {"OUTDIAL_LINES__MAIN__PROVIDER": "twili"},
        f"OUTDIAL_LINES__MAIN__PROVIDER: found 'twili'; known are {', '.join(sorted(CATALOG))}",
    ),
    (
        {"OUTDIAL_DATABASE_URL": "mysql://root:hunter2@db/outdial"},
        "OUTDIAL_DATABASE_URL: found 'mysql://root:***@db/outdial'; "
        "write postgresql://user@host/name or sqlite:///path/to/file.db",
    ),
    (
        {"OUTDIAL_CONFIG": "/nowhere/outdial.toml"},
        "/nowhere/outdial.toml: no such file; OUTDIAL_CONFIG names it",
    ),
]


@pytest.mark.parametrize(("environ", "expected"), WRONG_VARIABLES, ids=lambda v: str(v)[:40])
def test_wrong_variable(environ: dict[str, str], expected: str) -> None:
    assert problems_of(environ) == [expected]


WRONG_FILES = [
    ('tennant = "a"', "tennant: there is no such setting; did you mean tenant?"),
    ("upsert_status = 7", "upsert_status: found 7; write true or false"),
    ("lines = 3", "lines: found 3; write a table"),
    (
        "[lines.main]\nmax_concurent = 3",
        "lines.main.max_concurent: there is no such setting; did you mean max_concurrent?",
    ),
    (
        "[lines.main]\nmax_concurrent = 0",
        "lines.main.max_concurrent: found 0; write a whole number, at least 1",
    ),
    (
        '[lines.main]\nring_silence = "a while"',
        "lines.main.ring_silence: found 'a while'; "
        "write a number and a unit, such as 45s, 10m, 2h, 1d or 1h30m",
    ),
    (
        "[lines.main.breaker]\nshares = 0.5",
        "lines.main.breaker.shares: there is no such setting; did you mean share?",
    ),
    (
        "[lines.main.breaker]\nshare = 50",
        "lines.main.breaker.share: found 50; write a number, above 0 and at most 1",
    ),
    (
        '[lines."Main Line"]\nprovider = "simulated"',
        "lines: found a line named 'Main Line'; use a-z, 0-9, - and _",
    ),
    (
        "[simulated]\ntime_scale = 0",
        "simulated.time_scale: found 0; write a number, above 0",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WRONG_FILES)
def test_wrong_file(tmp_path: Path, text: str, expected: str) -> None:
    environ = write(tmp_path, text)
    assert problems_of(environ) == [f"{environ['OUTDIAL_CONFIG']}: {expected}"]


def test_every_problem_is_reported(tmp_path: Path) -> None:
    environ = write(tmp_path, 'claim_linger_ms = "x"\napi_port = 0\n[lines.main]\nx = 1')
    assert len(problems_of(environ)) == 3


def test_no_toml_is_reported_with_its_place(tmp_path: Path) -> None:
    [problem] = problems_of(write(tmp_path, "tenant = clinic"))
    assert "is not TOML" in problem
    assert "line 1" in problem


def test_credentials_are_never_shown(tmp_path: Path) -> None:
    environ = write(tmp_path, "[lines.main]\ncredentials = { api_key = 4711 }")
    [problem] = problems_of(environ)
    assert problem.endswith("lines.main.credentials.api_key: found a value; write text in quotes")
    settings = load_settings({"OUTDIAL_LINES__MAIN__CREDENTIALS__API_KEY": "hunter2"})
    assert "hunter2" not in repr(settings)


def lines_problems(environ: dict[str, str], tmp_path: Path, text: str) -> list[str]:
    settings = load_settings(write(tmp_path, text))
    with pytest.raises(SettingsInvalid) as caught:
        build_lines(settings, environ)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("env:NOT_THERE", "lines.main.credentials.key: the variable NOT_THERE is not set"),
        (
            "file:/nowhere/key",
            "lines.main.credentials.key: /nowhere/key cannot be read: No such file or directory",
        ),
    ],
)
def test_missing_credential(tmp_path: Path, reference: str, expected: str) -> None:
    text = f'[lines.main]\ncredentials = {{ key = "{reference}" }}'
    file = tmp_path / "outdial.toml"
    assert lines_problems({}, tmp_path, text) == [f"{file}: {expected}"]


def test_credentials_come_from_where_they_are_kept(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n", encoding="utf-8")
    text = f'[lines.main]\ncredentials = {{ a = "env:A", b = "file:{secret}", c = "literal" }}'
    lines = build_lines(load_settings(write(tmp_path, text)), {"A": "from-the-environment"})
    assert lines["main"].provider.line.credentials == {
        "a": "from-the-environment",
        "b": "from-a-file",
        "c": "literal",
    }


def test_a_line_whose_webhooks_nobody_could_check_is_refused(tmp_path: Path) -> None:
    [problem] = lines_problems({}, tmp_path, '[lines.main]\nprovider = "simulated"')
    file = tmp_path / "outdial.toml"
    assert problem.startswith(f"{file}: lines.main.credentials: there are none")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'provider = "vapi"\ncredentials = { webhook_secret = "env:KEY" }',
            'lines.main: credentials.api_key is missing; write api_key = "env:NAME"',
        ),
        (
            'provider = "livekit"\nbase_url = "https://x.livekit.cloud"\n'
            'credentials = { api_key = "env:KEY", api_secret = "env:KEY" }',
            "lines.main: options.sip_trunk_id is missing",
        ),
        (
            'provider = "vapi"\nbase_url = "api.vapi.ai"\ncredentials = { api_key = "env:KEY" }',
            "lines.main: base_url is 'api.vapi.ai', and should start with http:// or https:// "
            "and name a host",
        ),
    ],
)
def test_what_an_adapter_lacks_is_reported_with_its_place(
    tmp_path: Path, text: str, expected: str
) -> None:
    problems = lines_problems({"KEY": "k"}, tmp_path, f"[lines.main]\n{text}")
    assert problems == [f"{tmp_path / 'outdial.toml'}: {expected}"]


def test_every_line_that_is_wrong_is_reported(tmp_path: Path) -> None:
    text = (
        '[lines.a]\nprovider = "vapi"\ncredentials = { api_key = "env:NO" }\n'
        '[lines.b]\nprovider = "twilio"\ncredentials = { account_sid = "env:KEY" }'
    )
    first, second = lines_problems({"KEY": "k"}, tmp_path, text)
    assert "lines.a.credentials.api_key: the variable NO is not set" in first
    assert "lines.b: credentials.auth_token is missing" in second


def test_a_line_of_the_environment_is_reported_by_its_variables(tmp_path: Path) -> None:
    settings = load_settings(
        {"OUTDIAL_LINES__A__PROVIDER": "bland", "OUTDIAL_LINES__A__CREDENTIALS__X": "env:X"}
    )
    with pytest.raises(SettingsInvalid) as caught:
        build_lines(settings, {"X": "x"})
    (problem,) = caught.value.problems
    assert problem.startswith("OUTDIAL_LINES__A: credentials.api_key is missing")


def test_serving_needs_lines_and_a_public_url() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        require_serving(load_settings({}))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["lines", "public_url"]


def test_serving_needs_to_know_where_the_network_is(tmp_path: Path) -> None:
    environ = write(tmp_path, 'public_url = "https://x.example"\n[lines.a]\nprovider="simulated"')
    with pytest.raises(SettingsInvalid, match=r"lines\.a\.base_url: is missing"):
        require_serving(load_settings(environ))


def test_prices_of_a_line_are_amounts_in_one_currency(tmp_path: Path) -> None:
    environ = write(
        tmp_path,
        """
        [lines.main]
        cost_per_minute = "0.09 USD"
        billing_increment = "6s"
        credentials = { api_key = "k" }
        [lines.free]
        credentials = { api_key = "k" }
        """,
    )
    lines = build_lines(load_settings(environ | {"OUTDIAL_LINES__MAIN__COST_PER_CALL": "1 USD"}))
    assert lines["main"].policy.price == LinePrice("USD", 90_000, 1_000_000, 6)
    assert lines["free"].policy.price == LinePrice("USD", 90_000)  # as the network reports it


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("cost_per_minute = 0.09", "lines.main.cost_per_minute"),
        ('cost_per_minute = "0.09 USD"\ncost_per_call = "1 EUR"', "lines.main"),
        ('billing_increment = "0s"', "lines.main.billing_increment"),
        ('billing_increment = "1.5s"', "lines.main.billing_increment"),
    ],
)
def test_a_price_that_means_nothing_is_refused(tmp_path: Path, text: str, field: str) -> None:
    (problem,) = problems_of(write(tmp_path, f"[lines.main]\n{text}\n"))
    assert f"{field}: found " in problem
