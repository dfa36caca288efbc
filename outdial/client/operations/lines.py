"""Operations of the API: lines. Written by `make openapi`."""

from __future__ import annotations

from outdial.client.models.lines import Line, LineList
from outdial.client.request import Request
from outdial.client.sending import Sender


class Lines(Sender):
    """Accounts at voice platforms: their state and limits."""

    def list_lines(
        self,
    ) -> LineList:
        """The lines you may call on: their state, their limits, and how many calls are in
        flight."""
        request = Request(
            "GET",
            "/lines",
        )
        return self._send(request, 200, LineList)

    def get_line(
        self,
        name: str,
    ) -> Line:
        """One line: its state, its limits, and its latest failures."""
        request = Request(
            "GET",
            "/lines/{name}",
            parameters={"name": name},
        )
        return self._send(request, 200, Line)
