"""How large a message to a workflow may be. It stands in the history, whole, for as long as that is
kept, and again in the input of the activity that takes it up."""

from __future__ import annotations

from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

from outdial.contracts.messages import (
    MAX_RECIPIENTS,
    AddRequest,
    ApplyRequest,
    Message,
    PauseRequest,
    ResumeRequest,
    StopRequest,
)
from outdial.domain.operator import LONGEST_AUTHOR, Operator

MAX_BYTES = 256 * 1024
"""A message to a running workflow."""
MAX_INPUT_BYTES = 1024 * 1024
"""The input of a workflow. Temporal's own limit is 2 MB, in which it would have to fit twice."""
MAX_REASON = 500
MAX_PATH = 1000
MAX_ID = 100


def require_bounded(message: Message) -> None:
    """Check the size of an update; for its validator. Raises ApplicationError."""
    if isinstance(message, AddRequest) and message.oversize:
        raise too_large(
            f"found {message.oversize} recipients; one update takes at most {MAX_RECIPIENTS}. "
            "Name a file, send them over HTTP, or send several updates"
        )
    if isinstance(message, AddRequest) and message.file is not None:
        if message.recipients:
            raise too_large("found recipients and a file; send one of them")
        if len(message.file) > MAX_PATH:
            raise too_large(f"file: found {len(message.file)} characters; write at most {MAX_PATH}")
    if isinstance(message, ApplyRequest) and len(message.proposal) > MAX_ID:
        raise too_large(
            f"proposal: found {len(message.proposal)} characters; write at most {MAX_ID} of them"
        )
    if isinstance(message, PauseRequest | StopRequest):
        characters = len(message.reason or "")
        if characters > MAX_REASON:
            raise too_large(
                f"reason: found {characters} characters; write at most {MAX_REASON} of them"
            )
    if isinstance(message, PauseRequest | ResumeRequest | StopRequest) and message.by is not None:
        _require_short(message.by)
    require_size(message, MAX_BYTES)


def _require_short(by: Operator) -> None:
    """What is kept in the operator log for good is short. Raises ApplicationError."""
    for name, value in by.model_dump().items():
        if value is not None and len(value) > LONGEST_AUTHOR:
            raise too_large(
                f"by.{name}: found {len(value)} characters; write at most {LONGEST_AUTHOR} of them"
            )


def require_size(message: BaseModel, limit: int) -> None:
    """Check the size of a message as JSON. Raises ApplicationError if it is above `limit`."""
    size = size_of(message)
    if size > limit:
        raise too_large(f"found a message of {size:,} bytes; at most {limit:,} are taken")


def size_of(message: BaseModel) -> int:
    return len(message.model_dump_json().encode())


def too_large(text: str) -> ApplicationError:
    return ApplicationError(text, type="MessageTooLarge", non_retryable=True)
