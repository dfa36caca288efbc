"""Operations of the API: log. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.log import LogEntryPage
from outdial.client.request import Request
from outdial.client.sending import Sender


class Log(Sender):
    """What people did: the operator log."""

    def list_log_entries(
        self,
        *,
        subject: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> LogEntryPage:
        """What operators did, newest first: who, when, through which door, and why. Entries are
        never changed; `outdial log --verify` checks that none was changed or removed."""
        request = Request(
            "GET",
            "/log",
            query={"subject": subject, "limit": limit, "cursor": cursor},
        )
        return self._send(request, 200, LogEntryPage)
