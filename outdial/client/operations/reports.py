"""Operations of the API: reports. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Sequence

from outdial.client.models.reports import CampaignReport
from outdial.client.request import Request
from outdial.client.sending import Sender


class Reports(Sender):
    """The figures of a launch."""

    def get_report(
        self,
        name: str,
        *,
        launch: int | None = None,
        right: Sequence[str] | None = None,
    ) -> CampaignReport:
        """The figures of a launch: the funnel from its roster to right outcomes, who answered,
        outcomes by zone, line, agent, caller id and revision, durations, costs, and what
        rules were applied. Rates have Wilson intervals of 95 %. A launch with more than
        100,000 recipients and calls is refused with `report_too_large`; `outdial report`
        reads any."""
        request = Request(
            "GET",
            "/campaigns/{name}/report",
            parameters={"name": name},
            query={"launch": launch, "right": right},
        )
        return self._send(request, 200, CampaignReport)
