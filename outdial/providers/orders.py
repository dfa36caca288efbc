"""Requirements of orders that several providers share."""

from __future__ import annotations

from outdial.domain.call.placing import PlaceRequest
from outdial.providers.errors import Misconfigured, Unsendable
from outdial.providers.port import LineConfig
from outdial.providers.reports.payload import text_at


def required_caller_id(line: LineConfig, request: PlaceRequest, provider: str) -> str:
    """The number shown, for a provider that dials from a number only.

    Raises Misconfigured when neither the order nor the line has one.
    """
    if not request.caller_id:
        raise Misconfigured(
            f"line {line.name}: caller_ids has none, and {provider} dials from a number only",
            code="caller_id",
        )
    return request.caller_id


def phone_number_id(line: LineConfig, request: PlaceRequest, provider: str) -> str:
    """The id of the number shown, for a provider that knows its numbers by id: as the option
    `phone_number_ids` has it for the caller id, else `phone_number_id`.

    Raises Unsendable when the table lacks this call's caller id, Misconfigured when there is no id
    for any call.
    """
    by_caller_id = text_at(line.options, "phone_number_ids", request.caller_id or "")
    number_id = by_caller_id or text_at(line.options, "phone_number_id")
    if number_id is None:
        # One that the table lacks is this call's own; others may be dialed from those it has.
        by_table = request.caller_id is not None and bool(line.options.get("phone_number_ids"))
        kind = Unsendable if by_table else Misconfigured
        raise kind(
            f"line {line.name}: options.phone_number_id is missing, or phone_number_ids has none "
            f"for the caller id; {provider} knows its numbers by id",
            code="phone_number_id",
        )
    return number_id
