"""Where a campaign's recipients come from: a contact file, or a list in the definition."""

from __future__ import annotations

from typing import Annotated, Any

import phonenumbers
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from outdial.domain.definition.fields import INSTANT, ZONE, Frozen, OneOrMany, describe_value
from outdial.domain.definition.purpose import Purpose
from outdial.domain.hints import Hint, one_of
from outdial.domain.numbers.phone import PHONE_HINT
from outdial.domain.rules.consent import ConsentLevel

UNKNOWN_REGION = "ZZ"
"""The phone library's name for "no region": only numbers with a country code can be read."""
MOST_ALTERNATES = 10
"""Further numbers of one recipient. Each is read, and tried in turn when nobody answers."""
_COLUMN = Hint("write the name of a column")
_RECIPIENT = Hint("write phone: and a number in quotes, such as phone: '+12025550123'")


class CsvColumns(Frozen):
    """Which column holds what. A column that has the key's own name need not be named here;
    every column that is not one of these becomes a variable."""

    phone: Annotated[str, _COLUMN] = "phone"
    """The column with the number to call."""
    alternate_phones: Annotated[
        OneOrMany[str], Hint("write the name of a column, or a list of them")
    ] = ()
    """Columns with further numbers, at most 10 a row; a cell may hold several, separated by ; or |.
    A column named like one, such as phone_2, has to be listed here; [] makes it a variable."""
    time_zone: Annotated[str | None, _COLUMN] = None
    """The column with the person's IANA time zone, such as America/New_York."""
    postal_code: Annotated[str | None, _COLUMN] = None
    """The column with the person's postal code."""
    state: Annotated[str | None, _COLUMN] = None
    """The column with the person's state or province."""
    consent: Annotated[str | None, _COLUMN] = None
    """The column that says what the person consented to: express, written, or nothing."""
    consent_scope: Annotated[str | None, _COLUMN] = None
    """The column with the purpose the consent was given for; else it is this campaign's."""
    consent_proof: Annotated[str | None, _COLUMN] = None
    """The column with what proves the consent, such as the id of a form."""
    consent_given_at: Annotated[str | None, _COLUMN] = None
    """The column with the instant at which the consent was given."""
    consent_expires_at: Annotated[str | None, _COLUMN] = None
    """The column with the instant from which the consent does not count."""


class CsvSource(Frozen):
    """A contact file: one recipient a row, the first row names the columns."""

    csv: Annotated[str, Hint("write the path of a contact file")]
    """Path of the file, relative to the definition."""
    columns: Annotated[
        CsvColumns, Hint("write below it which column holds what, such as phone: mobile")
    ] = CsvColumns()
    """Which column holds what; every other column becomes a variable."""
    default_region: Annotated[
        Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None,
        Hint("write an ISO 3166 country code, such as GB"),
    ] = None
    """ISO 3166 code of the country of numbers written without one, such as GB."""

    @field_validator("default_region", mode="before")
    @classmethod
    def _supported_region(cls, value: Any) -> Any:
        if value is None or value in phonenumbers.SUPPORTED_REGIONS:
            return value
        upper = "GB" if value == "UK" else str(value).upper()
        suggestion = upper if upper in phonenumbers.SUPPORTED_REGIONS else "one such as GB"
        raise ValueError(
            f"found {describe_value(value)}, which is no ISO 3166 country code; write {suggestion}"
        )


class InlineRecipient(BaseModel):
    """One recipient written in the definition; keys beyond these become variables."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    phone: Annotated[str, Hint(PHONE_HINT)]
    """The number to call, with its country code, in quotes."""
    alternate_phones: Annotated[OneOrMany[str], Hint(f"{PHONE_HINT}, or a list of them")] = ()
    """Further numbers of the same person, at most 10; a text may hold several, separated by ;
    or |."""
    time_zone: Annotated[str | None, ZONE] = None
    """The person's IANA time zone, such as America/New_York."""
    postal_code: Annotated[str | None, Hint("write a postal code")] = None
    """The person's postal code."""
    state: Annotated[str | None, Hint("write a state or province")] = None
    """The person's state or province."""
    consent: Annotated[str | None, Hint(one_of(ConsentLevel))] = None
    """What the person consented to: express or written."""
    consent_scope: Annotated[str | None, Hint(one_of(Purpose))] = None
    """The purpose the consent was given for; else it is this campaign's."""
    consent_proof: Annotated[str | None, Hint("write what proves it, such as the id of a form")] = (
        None
    )
    """What proves the consent, such as the id of a form."""
    consent_given_at: Annotated[str | None, INSTANT] = None
    """When the consent was given; a date, a time and an offset."""
    consent_expires_at: Annotated[str | None, INSTANT] = None
    """When the consent expires; a date, a time and an offset."""

    @property
    def variables(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


CSV_SOURCE, INLINE_LIST = "csv-source", "inline-list"


def _kind_of_recipients(value: Any) -> str | None:
    if isinstance(value, dict | CsvSource):
        return CSV_SOURCE
    return INLINE_LIST if isinstance(value, list | tuple) else None


RecipientSource = Annotated[
    Annotated[CsvSource, Tag(CSV_SOURCE)]
    | Annotated[tuple[Annotated[InlineRecipient, _RECIPIENT], ...], Tag(INLINE_LIST)],
    Discriminator(_kind_of_recipients),
    Hint("write csv: and the path of a contact file below it, or a list of recipients"),
]
