"""A broken definition with its contact file, and every message that it must give."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

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
    """What is in `campaign.yaml` and the files beside it, and the exact lines expected."""

    about: str
    yaml: str | bytes
    expected: list[str]
    files: dict[str, str | bytes] = field(default_factory=dict)

    def messages(self) -> list[str]:
        """Write the files into the current folder and validate the definition."""
        for name, content in {"campaign.yaml": self.yaml, **self.files}.items():
            data = content if isinstance(content, bytes) else content.encode()
            Path(name).write_bytes(data)
        return validate("campaign.yaml").lines()


def table(*cases: Broken) -> pytest.MarkDecorator:
    """Parametrize a test by its cases, each named by what it is about."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.about) for case in cases])
