"""Logs: lines of text or JSON, in UTC, without a telephone number in full."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any, Literal

from outdial.contracts.names import subject_of
from outdial.domain.numbers.phone import mask_phone
from outdial.runtime.log_subject import FIELDS, log_subject

LogFormat = Literal["text", "json"]

_PHONE = re.compile(r"(?:\+|%2B)([1-9]\d{6,14})(?!\d)", re.IGNORECASE)
_QUIET = ("httpx", "httpcore", "alembic", "sqlalchemy", "temporalio.activity")
"""Loggers whose INFO is one line a request or a migration."""


class MaskingFormatter(logging.Formatter):
    """Masks numbers in the finished text, so that none escapes in a traceback."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s",
            datefmt="%Y-%m-%dT%H:%M:%S",
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return mask_phones(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with what the entry is about."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= _about(record)
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        masked = {name: mask_phones(str(value)) for name, value in entry.items()}
        return json.dumps(masked)


def _about(record: logging.LogRecord) -> dict[str, str]:
    """The tenant, campaign, call and workflow of an entry, as far as they are known."""
    about = dict(log_subject())
    for source in ("temporal_workflow", "temporal_activity"):
        workflow_id = getattr(record, source, {}).get("workflow_id")
        if workflow_id:
            about = {**subject_of(workflow_id), **about, "workflow": workflow_id}
    own = {name: str(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
    return about | own


def mask_phones(text: str) -> str:
    """The text with every number in E.164 masked."""
    return _PHONE.sub(lambda match: mask_phone(f"+{match[1]}"), text)


def set_up_logging(level: str = "INFO", form: LogFormat = "text") -> None:
    """Send all logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else MaskingFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if form == "json":
        _leave_fields_out_of_messages()
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # each bad form, beside a 422
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def _leave_fields_out_of_messages() -> None:
    """Temporal's loggers write what they know of a workflow behind each message too."""
    from temporalio import activity, workflow

    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
