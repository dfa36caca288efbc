"""Where a campaign's recipients come from: a contact file, or a list in the definition."""

from __future__ import annotations

from typing import Annotated, Any

import phonenumbers
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from outdial.domain.definition.fields import Frozen, OneOrMany, describe_value

UNKNOWN_REGION = "ZZ"
"""The phone library's name for "no region": only numbers with a country code can be read."""


class CsvColumns(Frozen):
    """Which column holds what. A column that has the key's own name need not be named here;
    every column that is not one of these becomes a variable."""

    phone: str = "phone"
    """The column with the number to call."""
    alternate_phones: OneOrMany[str] = ()
    """Columns with further numbers; a cell may hold several, separated by ; or |."""
    time_zone: str | None = None
    """The column with the person's IANA time zone, such as America/New_York."""
    postal_code: str | None = None
    """The column with the person's postal code."""
    state: str | None = None
    """The column with the person's state or province."""
    consent: str | None = None
    """The column that says what the person consented to: express, written, or nothing."""
    consent_scope: str | None = None
    """The column with the purpose the consent was given for; else it is this campaign's."""
    consent_proof: str | None = None
    """The column with what proves the consent, such as the id of a form."""
    consent_given_at: str | None = None
    """The column with the instant at which the consent was given."""
    consent_expires_at: str | None = None
    """The column with the instant from which the consent does not count."""


class CsvSource(Frozen):
    """A contact file: one recipient a row, the first row names the columns."""

    csv: str
    """Path of the file, relative to the definition."""
    columns: CsvColumns = CsvColumns()
    """Which column holds what; every other column becomes a variable."""
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166 code of the country of numbers written without one, such as GB."""

    @field_validator("default_region", mode="before")
    @classmethod
    def _known_region(cls, value: Any) -> Any:
        if value is None or value in phonenumbers.SUPPORTED_REGIONS:
            return value
        upper = "GB" if value == "UK" else str(value).upper()
        known = upper if upper in phonenumbers.SUPPORTED_REGIONS else "one such as GB"
        raise ValueError(
            f"found {describe_value(value)}, which is no ISO 3166 country code; write {known}"
        )


class InlineRecipient(BaseModel):
    """One recipient written in the definition; keys beyond these become variables."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    phone: str
    """The number to call, with its country code, in quotes."""
    alternate_phones: OneOrMany[str] = ()
    """Further numbers of the same person."""
    time_zone: str | None = None
    """The person's IANA time zone, such as America/New_York."""
    postal_code: str | None = None
    """The person's postal code."""
    state: str | None = None
    """The person's state or province."""
    consent: str | None = None
    """What the person consented to: express or written."""
    consent_scope: str | None = None
    """The purpose the consent was given for; else it is this campaign's."""
    consent_proof: str | None = None
    """What proves the consent, such as the id of a form."""
    consent_given_at: str | None = None
    """When the consent was given; a date, a time and an offset."""
    consent_expires_at: str | None = None
    """When the consent stops to count; a date, a time and an offset."""

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
    | Annotated[tuple[InlineRecipient, ...], Tag(INLINE_LIST)],
    Discriminator(_kind_of_recipients),
]
