"""Sources of settings, and the messages for invalid ones."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from outdial.domain.errors import OutdialError
from outdial.domain.hints import keys_at
from outdial.domain.refusals import explain as explain_value

PREFIX = "OUTDIAL_"
_ALLOWED = ("OUTDIAL_CONFIG",)
_ALLOWED_PREFIX = "OUTDIAL_TEST_"

_SECRETS = frozenset({"credentials", "database_url", "password", "proxy", "secrets"})
"""Settings whose values are never shown."""


_IN_TOML = {"string": "write text in quotes", "dict": "write a table", "model": "write a table"}
"""What the first word of an error's type means in a settings file."""


class SettingsInvalid(OutdialError):
    """Settings can't be used; each line says where, what was found and what would be right."""

    code = "settings_invalid"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def read_file(path: Path, *, required: bool) -> dict[str, Any]:
    """The content of a settings file; nothing when it does not exist and need not.

    Raises SettingsInvalid when it can't be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not required:
            return {}
        raise SettingsInvalid([f"{path}: no such file; OUTDIAL_CONFIG names it"]) from None
    except OSError as error:
        raise SettingsInvalid([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsInvalid([f"{path}: is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid([f"{path}: is not TOML: {error}"]) from None


def check_variables(variables: Mapping[str, str], model: type[BaseModel]) -> None:
    """Refuse variables that look like settings and are none: a typo must not go unnoticed.

    Raises SettingsInvalid.
    """
    names = [f"{PREFIX}{name.upper()}" for name in model.model_fields]
    problems = []
    for name in sorted(variables):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in _ALLOWED or upper.startswith(_ALLOWED_PREFIX):
            continue
        head = upper.removeprefix(PREFIX).split("__")[0]
        if f"{PREFIX}{head}" not in names:
            problems.append(f"{name}: there is no such setting{_suggest(f'{PREFIX}{head}', names)}")
    if problems:
        raise SettingsInvalid(problems)


def explain(
    error: ValidationError, path: Path, variables: Mapping[str, str], model: type[BaseModel]
) -> list[str]:
    """One line for each error; the values of credentials are never shown."""
    given = {name.upper() for name in variables}
    lines = []
    for detail in error.errors():
        location = tuple(str(part) for part in detail["loc"])
        variable = PREFIX + "__".join(location).upper()
        label = variable if variable in given else f"{path}: {'.'.join(location)}"
        secret = bool(_SECRETS & set(location))
        lines.append(f"{label}: {_message(detail, location, model, secret)}")
    return list(dict.fromkeys(lines))


def _message(
    detail: ErrorDetails, location: tuple[str, ...], model: type[BaseModel], secret: bool
) -> str:
    if detail["type"] == "extra_forbidden":
        return f"there is no such setting{_suggest(location[-1], keys_at(model, location[:-1]))}"
    if detail["type"] == "missing":
        return "is missing"
    kind = detail["type"].partition("_")[0]
    return explain_value(detail, model, otherwise=_IN_TOML.get(kind), secret=secret)


def _suggest(name: str, candidates: Iterable[str]) -> str:
    names = list(candidates)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(names)}"
