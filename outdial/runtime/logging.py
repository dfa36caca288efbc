"""Logs: one line an entry, UTC, no telephone number in full."""

from __future__ import annotations

import logging
import re
import sys
import time

from outdial.domain.numbers.phone import mask_phone

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


def mask_phones(text: str) -> str:
    """The text with every number in E.164 masked."""
    return _PHONE.sub(lambda match: mask_phone(f"+{match[1]}"), text)


def set_up_logging(level: str = "INFO") -> None:
    """Send all logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # each bad form, beside a 422
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
