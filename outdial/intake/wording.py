"""Says what is wrong with a key of a definition, and what would be right."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.source import CSV_SOURCE, INLINE_LIST
from outdial.domain.refusals import explain

_DEFINITION = "write a campaign definition: name:, purpose:, agent:, recipients: and so on"


def document_path(error: ErrorDetails) -> tuple[int | str, ...]:
    """The error's path in the document: without the names of union branches."""
    location = error["loc"]
    if location[:1] == ("recipients",) and location[1:2] in ((CSV_SOURCE,), (INLINE_LIST,)):
        return (location[0], *location[2:])
    return location


_CODES = {"missing": "missing", "extra_forbidden": "unknown_key"}


def problem_code(error: ErrorDetails) -> str:
    """The code of a problem, by the type of pydantic's error."""
    return _CODES.get(error["type"], "wrong_value")


def describe(error: ErrorDetails) -> str:
    """What was found, what would be right."""
    return explain(error, CampaignDefinition, document_path(error), otherwise=_DEFINITION)
