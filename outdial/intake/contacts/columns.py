"""Which column of a contact file holds what: the definition's mapping against the header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from outdial.domain.definition.fields import describe_value
from outdial.domain.definition.source import CsvSource
from outdial.intake.problems import Problem
from outdial.intake.yaml.source_map import SourceMap

_PHONE_WORDS = ("phone", "mobile", "cell", "tel", "number")
_PHONE = r"(?:telephone|phone|mobile|cell|tel)(?:phone)?(?:number|no)?s?"
_FURTHER_NUMBER = re.compile(
    rf"(?:alt|alternate|alternative|other|second|secondary|further|additional){_PHONE}[0-9]*"
    rf"|{_PHONE}[0-9]+"
)
"""What a column of further numbers is called, letters and digits alone: `phone_2`, `Alt. phone`."""
MAX_NAMES_SHOWN = 20
_SINGLE_ROLES = ("phone", "time_zone", "postal_code", "state")
CONSENT_ROLES = {
    "consent": "level",
    "consent_scope": "scope",
    "consent_proof": "proof",
    "consent_given_at": "given_at",
    "consent_expires_at": "expires_at",
}
"""Parts of a consent, by the columns that hold them."""


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Positions of the columns, from 0."""

    phone: int
    alternates: tuple[int, ...]
    time_zone: int | None
    postal_code: int | None
    state: int | None
    consent: tuple[tuple[str, int], ...]
    variables: tuple[int, ...]
    unnamed: tuple[int, ...] = ()
    """Columns without a name: nothing, unless a row has a value there."""


class ColumnFinder:
    """Finds the columns of one header; collects what is wrong in `problems`."""

    def __init__(
        self, source: CsvSource, header: list[str], source_map: SourceMap, file: str, line: int
    ) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._header = header
        self._source_map = source_map
        self._file, self._line = file, line
        self._taken: dict[int, str] = {}

    def roles(self) -> ColumnRoles | None:
        """None when rows can't be checked: without the phone, or with half a time zone."""
        self._check_header()
        indexes = {role: self._single(role) for role in (*_SINGLE_ROLES, *CONSENT_ROLES)}
        alternates = self._alternates()
        mapped_zone = self._source.columns.time_zone is not None
        phone = indexes["phone"]
        if phone is None or (mapped_zone and indexes["time_zone"] is None):
            return None
        others = [index for index in range(len(self._header)) if index not in self._taken]
        variables = [index for index in others if self._header[index]]
        return ColumnRoles(
            phone=phone,
            alternates=alternates,
            time_zone=indexes["time_zone"],
            postal_code=indexes["postal_code"],
            state=indexes["state"],
            consent=tuple(
                (part, index)
                for role, part in CONSENT_ROLES.items()
                if (index := indexes[role]) is not None
            ),
            variables=tuple(variables),
            unnamed=tuple(index for index in others if not self._header[index]),
        )

    def _check_header(self) -> None:
        for index, name in enumerate(self._header):
            first = self._header.index(name)
            if name and first != index:
                self._refuse(
                    index,
                    name,
                    "repeated_column",
                    f"found this column again, first in field {first + 1}; rename one",
                )

    def _single(self, role: str) -> int | None:
        columns = self._source.columns
        name = getattr(columns, role)
        if role in columns.model_fields_set:
            path = ("recipients", "columns", role)
            return None if name is None else self._mapped(name, role, path)
        if role in self._header:
            return self._take(self._header.index(role), role)
        if role == "phone":
            self._refuse(0, role, "missing_column", self._no_phone())
        return None

    def _alternates(self) -> tuple[int, ...]:
        role = "alternate_phones"
        columns = self._source.columns
        if role not in columns.model_fields_set:
            indexes = [self._take(self._header.index(role), role)] if role in self._header else []
            self._require_no_other_numbers(role)
        else:
            indexes = [
                self._mapped(name, role, ("recipients", "columns", role, index))
                for index, name in enumerate(columns.alternate_phones)
            ]
        return tuple(index for index in indexes if index is not None)

    def _require_no_other_numbers(self, role: str) -> None:
        """Columns that look like further numbers are not made variables unless the definition
        says so: nobody would notice that these numbers are never called."""
        alike = [
            index
            for index, name in enumerate(self._header)
            if index not in self._taken and _FURTHER_NUMBER.fullmatch(plain_name(name))
        ]
        if not alike:
            return
        self._refuse(
            alike[0],
            self._header[alike[0]],
            "undeclared_column",
            "found a column that is named like a further number; "
            + self._how_to_declare(role, [self._header[index] for index in alike]),
        )

    def _how_to_declare(self, role: str, alike: list[str]) -> str:
        given = [name for name in self._header if name == role]
        if self._source_map.has_document:
            names = ", ".join([*given, *alike][:MAX_NAMES_SHOWN])
            return (
                f"write columns: {{{role}: [{names}]}} into the definition to have it called too, "
                f"or {role}: [] to keep it as a variable"
            )
        called = f"move its numbers into {role}" if given else f"rename it to {role}"
        return (
            f"{called} to have it called too (a cell may hold several numbers, separated by ;), "
            "or give it another name to keep it as a variable"
        )

    def _mapped(self, name: str, role: str, path: tuple[int | str, ...]) -> int | None:
        if name in self._header:
            index = self._header.index(name)
            if index not in self._taken:
                return self._take(index, role)
            message = f"found column {describe_value(name)}, which is {self._taken[index]} already"
            self.problems.append(
                self._source_map.problem(
                    path, "repeated_column", f"{message}; write another column"
                )
            )
            return None
        near = self._near(name)
        right = f"did you mean {near}?" if near else f"its columns are {self._names()}"
        message = f"found {describe_value(name)}, which is no column of {self._file}; {right}"
        self.problems.append(self._source_map.problem(path, "unknown_column", message))
        return None

    def _names(self) -> str:
        more = ", …" if len(self._header) > MAX_NAMES_SHOWN else ""
        return ", ".join(self._header[:MAX_NAMES_SHOWN]) + more

    def _near(self, name: str) -> str | None:
        alike = {column.lower(): column for column in self._header if column}
        near = get_close_matches(name.lower(), list(alike), n=1, cutoff=0.6)
        return alike[near[0]] if near else None

    def _take(self, index: int, role: str) -> int | None:
        if index in self._taken:
            return None
        self._taken[index] = role
        return index

    def _no_phone(self) -> str:
        likely = [
            name for name in self._header if any(word in name.lower() for word in _PHONE_WORDS)
        ]
        example = (likely or [name for name in self._header if name] or ["mobile"])[0]
        if self._source_map.has_document:
            what = (
                f"write which one it is into the definition, such as columns: {{phone: {example}}}"
            )
        else:
            what = f"rename the one with the number to call to phone, such as {example}"
        return f"found no column 'phone', only {self._names()}; {what}"

    def _refuse(self, index: int, field: str, code: str, message: str) -> None:
        self.problems.append(Problem(self._file, self._line, index + 1, field, code, message))


def plain_name(name: str) -> str:
    """The letters and digits of a name, in lower case."""
    return "".join(filter(str.isalnum, name.lower()))
