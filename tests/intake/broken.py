"""A broken definition with its contact file, and every problem that must be found in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from outdial.intake.problems import Problem
from outdial.intake.validation import validate

HEAD = """\
name: spring
purpose: informational
agent: bookseller
recipients: [{phone: "+12025550123"}]
"""
"""A whole definition in four lines, so that what a case adds begins on line 5."""

CSV_HEAD = """\
name: spring
purpose: informational
agent: bookseller
recipients:
  csv: people.csv
"""
"""The same with a contact file; what a case adds begins on line 6."""


@dataclass(frozen=True)
class Broken:
    """What is in `campaign.yaml` and the files beside it, and the problems expected."""

    about: str
    yaml: str | bytes
    expected: list[str]
    """Place and code of each, such as `campaign.yaml:1:7: name: wrong_value`."""
    files: dict[str, str | bytes] = field(default_factory=dict)
    says: list[str] | None = None
    """The whole lines, in the few cases that are about their wording."""

    def check(self) -> None:
        """Write the files into the current folder and validate the definition."""
        for name, content in {"campaign.yaml": self.yaml, **self.files}.items():
            data = content if isinstance(content, bytes) else content.encode()
            Path(name).write_bytes(data)
        validation = validate("campaign.yaml")
        assert places_and_codes(validation.problems) == self.expected
        if self.says is not None:
            assert validation.lines() == self.says


def places_and_codes(problems: Iterable[Problem]) -> list[str]:
    return [f"{one.file}:{one.line}:{one.column}: {one.field}: {one.code}" for one in problems]


def table(*cases: Broken) -> pytest.MarkDecorator:
    """Parametrize a test by its cases, each named by what it is about."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.about) for case in cases])
