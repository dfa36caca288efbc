"""The root of every error that this code base raises."""

from __future__ import annotations

from typing import ClassVar


class OutdialError(Exception):
    """Base class of our own errors: a code for programs, a text for people, attributes for data.

    Each class declares its own `code`, unique and in snake_case, which stays when the class is
    renamed: CLI and APIs look up HTTP statuses, problem codes and exit codes by it
    (`outdial.api.statuses`, `outdial.api.v1.problems`, `outdial.cli.exit_codes`). The text is
    `str(error)`; what a program may want besides stands in typed attributes of the class.

    A class that a library has to recognize derives from that library's exception too: pydantic
    reports a ValueError of a validator, FastAPI answers an HTTPException.
    """

    code: ClassVar[str] = "outdial_error"
