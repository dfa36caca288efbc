"""Everything that can be set, as one typed object.

Read from `outdial.toml` (another path: OUTDIAL_CONFIG) and from the environment, which wins:
`database_url` is OUTDIAL_DATABASE_URL, `lines.main.base_url` is OUTDIAL_LINES__MAIN__BASE_URL.
How Temporal is reached is left to Temporal's own configuration (TEMPORAL_ADDRESS and others).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from outdial.domain.access import require_scopes
from outdial.domain.decision.ceiling import DAILY_CEILING
from outdial.domain.definition.campaign import NAME_PATTERN
from outdial.domain.definition.fields import Duration, format_duration
from outdial.domain.endpoint import RETRY_AFTER
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.line.routing import SIMULATED
from outdial.domain.money.amount import Amount
from outdial.domain.money.price import LONGEST_INCREMENT
from outdial.domain.numbers.policy import use_policy
from outdial.domain.record import DEFAULT_TENANT
from outdial.providers.catalog import CATALOG
from outdial.providers.lines import LinePolicy, ResultMapping
from outdial.runtime.settings.api import ApiSettings
from outdial.runtime.settings.file import (
    PREFIX,
    SettingsInvalid,
    check_variables,
    explain,
    read_file,
)
from outdial.runtime.settings.integrations import CalendarSettings, CallbackSettings, MailSettings
from outdial.runtime.settings.metrics import MetricsSettings
from outdial.runtime.settings.numbers import NumberSettings
from outdial.runtime.settings.outgoing import OutgoingSettings

DEFAULT_FILE = "outdial.toml"
DATABASE_FILE = "outdial.db"
SIMULATED_LINE = SIMULATED


class LineSettings(BaseModel):
    """A configured account at a provider. What is left out has the default of `LinePolicy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str = SIMULATED_LINE
    tenant: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """Whose line it is; default: the installation's own tenant."""
    base_url: str | None = None
    credentials: dict[str, str] = Field(default_factory=dict, repr=False)
    """References, resolved at the last moment: `env:NAME` or `file:PATH`."""
    options: dict[str, Any] = Field(default_factory=dict)
    request_timeout: Duration = timedelta(seconds=10)
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    per_second: Annotated[float, Field(gt=0)] | None = None
    caller_ids: tuple[str, ...] | None = None
    cost_per_minute: Amount | None = None
    """What a minute of talk costs, such as "0.09 USD"; budgets reserve by it."""
    cost_per_call: Amount | None = None
    """What each call costs besides, answered or not."""
    billing_increment: Duration | None = None
    """A talk is billed in whole multiples of it, rounded up; default: 60s."""
    placement_timeout: Duration | None = None
    ring_silence: Duration | None = None
    talk_silence: Duration | None = None
    analysis_wait: Duration | None = None
    breaker: BreakerPolicy | None = None
    results: ResultMapping | None = None
    """Where its agents put what they found out, when they have names of their own for it."""

    @field_validator("provider")
    @classmethod
    def _is_in_catalog(cls, value: str) -> str:
        if value not in CATALOG:
            raise ValueError(f"found {value!r}; known are {', '.join(sorted(CATALOG))}")
        return value

    @field_validator("billing_increment")
    @classmethod
    def _whole_seconds(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and (
            value.microseconds or not timedelta(seconds=1) <= value <= LONGEST_INCREMENT
        ):
            raise ValueError(
                f"found {format_duration(value)}; write whole seconds from 1s to 1h, such as 60s"
            )
        return value

    @model_validator(mode="after")
    def _priced_in_one_currency(self) -> Self:
        one, other = self.cost_per_minute, self.cost_per_call
        if one is not None and other is not None and one.currency != other.currency:
            raise ValueError(
                f"found cost_per_minute {one} and cost_per_call {other}; write both in one currency"
            )
        return self

    @model_validator(mode="after")
    def _outlasts_a_request(self) -> Self:
        most = self.policy().placement_timeout
        if most <= self.request_timeout:
            raise ValueError(
                f"found placement_timeout {format_duration(most)}, which is not longer than "
                f"request_timeout ({format_duration(self.request_timeout)}): a request could still "
                "be under way when it is taken for lost; write twice as much"
            )
        return self

    def policy(self) -> LinePolicy:
        named = {name: getattr(self, name) for name in LinePolicy.model_fields}
        return LinePolicy(**{name: value for name, value in named.items() if value is not None})


class SimulatedSettings(BaseModel):
    """The simulated network that the embedded stack starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_scale: Annotated[float, Field(gt=0)] = 10.0
    """Simulated seconds in a real one: a talk of a minute is watched in six seconds."""
    seed: int = 0
    """Another seed, other people: who answers, who is busy, who opts out."""
    config: Path | None = None
    """A JSON file of the network's people, account and faults. What it says of seed and time
    scale holds unless they are set here too."""


class Settings(BaseSettings):
    """See the module. Raises SettingsInvalid through `load_settings` only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    state_dir: Path = Path(".outdial")
    """Of the embedded stack: its databases, logs and lock."""
    database_url: str | None = Field(default=None, repr=False)
    """`postgresql+psycopg://…` or `sqlite:///…`; default: SQLite in the state directory."""
    public_url: str | None = None
    """Where providers reach our webhooks, such as `https://calls.example.com`."""
    tenant: Annotated[str, Field(pattern=NAME_PATTERN)] = DEFAULT_TENANT
    temporal_address: str | None = None
    """Set by the embedded stack for its own processes; elsewhere use TEMPORAL_ADDRESS."""
    ui_url: str | None = None
    """The Temporal UI, to be shown to people."""
    upsert_status: bool = True
    """Signal workflows every transition of a call, and keep the CallStatus search attribute up
    with it. Without, a run in the Temporal UI knows only that a call was queued and how it
    ended; `outdial status` and the database know all the same. It costs about a third of the
    throughput of a development server."""
    daily_ceiling: Annotated[int, Field(ge=0, le=1000)] = DAILY_CEILING
    """How often one number is called in any 24 hours at most, over all campaigns and tenants,
    whatever else allows more; 0 turns it off. Lines of the simulated network are exempt."""
    claim_linger_ms: Annotated[int, Field(ge=0, le=10_000)] = 500
    """How long a claim waits for more slots to become free. Filling several at once saves
    about four history events a call; a slot stays empty for that much longer."""
    workflow_sandbox: bool = False
    """Run workflow code in Temporal's sandbox, which fails a workflow that reads a clock, a file or
    the environment. It finds mistakes in workflow code, so tests turn it on; here it would cost a
    fifth of a worker's CPU for each call."""
    sweep_every: Duration = timedelta(seconds=30)
    drain_within: Duration = timedelta(seconds=60)
    """How long a stopping worker lets its activities finish: a placement takes at
    most that long, and cut off in the middle it has to be reconciled."""
    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    """How logs are written: lines for people, or one JSON object a line."""
    nexus_scopes: tuple[str, ...] = ("calls:write", "campaigns:write")
    """What workflows of other namespaces may ask for by Nexus, as a key's scopes: without
    dialing:override and risks:accept they place calls as the lines are set up."""
    campaigns_dir: Path = Path("campaigns")
    """Where workers find the campaign files that schedules and other services name."""
    api: ApiSettings = ApiSettings()
    allow_private_webhooks: bool = False
    """Send webhooks to private, loopback and link-local addresses too. Without, a customer's URL
    can't be used to reach what only this machine can reach."""
    delivery_waits: tuple[Duration, ...] = RETRY_AFTER
    """The waits between the tries of a webhook to a customer, in the environment as a JSON list
    such as `["5s", "5m", "1h"]`. One try more than there are waits; after that it has failed.
    Default: ten tries in three days, as Standard Webhooks recommends."""
    keep_deliveries: Duration = timedelta(days=30)
    """How long a webhook that was delivered stays in the log; what was not delivered stays."""
    lines: dict[str, LineSettings] = Field(default_factory=dict)
    default_line: str | None = None
    """The line of campaigns and calls that name none. Without it they get the only real line of
    their tenant, and are refused where there are several."""
    simulated: SimulatedSettings = SimulatedSettings()
    calendars: dict[str, CalendarSettings] = Field(default_factory=dict)
    """Calendars of definitions that other people share, by name."""
    mail: MailSettings | None = None
    callbacks: CallbackSettings = CallbackSettings()
    outgoing: OutgoingSettings = OutgoingSettings()
    metrics: MetricsSettings = MetricsSettings()
    numbers: NumberSettings = NumberSettings()
    """Which numbers are called. Holds for the whole process from `load_settings` on."""

    @field_validator("sweep_every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("found less than a second; write 1s or more, such as 30s")
        return value

    @field_validator("nexus_scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return require_scopes(value)

    @field_validator("delivery_waits")
    @classmethod
    def _real_waits(cls, value: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        for wait in value:
            if wait <= timedelta(0):
                raise ValueError("found a wait of nothing; write 1s or more, such as 5s")
        return value

    @field_validator("database_url")
    @classmethod
    def _supported(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from sqlalchemy.exc import ArgumentError

        from outdial.store.db.engines import database_url

        try:
            database_url(value)
        except ArgumentError:
            raise ValueError("found what is no URL; write one such as sqlite:///calls.db") from None
        return value

    @field_validator("public_url", "ui_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f"found {value!r}; write a URL such as https://calls.example.com")
        return value.rstrip("/") if value else value

    @field_validator("lines")
    @classmethod
    def _line_names(cls, value: dict[str, LineSettings]) -> dict[str, LineSettings]:
        for name in value:
            if not name.replace("-", "").replace("_", "").isalnum() or name != name.lower():
                raise ValueError(f"found a line named {name!r}; use a-z, 0-9, - and _")
        return value

    _variables: dict[str, str] = PrivateAttr(default_factory=dict)
    _file: Path = PrivateAttr(default=Path(DEFAULT_FILE))
    _lines_in_file: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment these settings were read from: credentials are looked up in it, and
        processes we start inherit it."""
        return self._variables

    @property
    def file(self) -> Path:
        """The settings file, which need not exist."""
        return self._file

    def place_of_line(self, name: str) -> str:
        """Where a line is set, as errors name it."""
        if name in self._lines_in_file:
            return f"{self._file}: lines.{name}"
        return f"{PREFIX}LINES__{name.upper()}"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.state_dir / DATABASE_FILE}"

    @property
    def claim_linger(self) -> timedelta:
        return timedelta(milliseconds=self.claim_linger_ms)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of this process; `environ` instead of the process's own environment. Which numbers
    are called holds in the process from here on.

    Raises SettingsInvalid with one line for each thing that is wrong.
    """
    variables = dict(os.environ if environ is None else environ)
    path = Path(variables.get("OUTDIAL_CONFIG") or DEFAULT_FILE)
    file = read_file(path, required=bool(variables.get("OUTDIAL_CONFIG")))
    check_variables(variables, Settings)

    # A subclass with sources of its own would be a new model, which takes longer to build than all
    # else that is done here.
    sources = (_Variables(Settings, variables), InitSettingsSource(Settings, file))
    try:
        settings = Settings(_build_sources=(sources, {}))
    except ValidationError as error:
        raise SettingsInvalid(explain(error, path, variables, Settings)) from None
    except SourceError as error:
        raise SettingsInvalid([f"{PREFIX}*: {error}"]) from None
    use_policy(settings.numbers.policy())
    settings._variables = variables
    settings._file = path
    settings._lines_in_file = frozenset(file.get("lines", {}))
    return settings


def has_temporal_configuration() -> bool:
    """Whether Temporal's SDK could find a setting of its own: a variable, or its default file.

    Answers without importing the SDK, which takes longer than most commands. Where the file lies
    is repeated here for Linux with a HOME alone; elsewhere the SDK has to look.
    """
    if sys.platform != "linux" or any(name.startswith("TEMPORAL_") for name in os.environ):
        return True
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):
        home = os.environ.get("HOME")
        if not home:
            return True
        base = os.path.join(home, ".config")
    # Not Path.exists: it raises where a directory can't be entered, and the SDK finds no file.
    return os.path.exists(os.path.join(base, "temporalio", "temporal.toml"))


class _Variables(EnvSettingsSource):
    """Reads a given mapping instead of the process's environment."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}
