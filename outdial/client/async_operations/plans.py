"""Operations of the API, awaited: plans. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outdial.client.models.plans import CampaignPlan
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncPlans(AsyncSender):
    """What a definition would do, before it is launched or applied."""

    async def plan_campaign(
        self,
        definition: Mapping[str, Any] | str,
        *,
        runs: int | None = None,
        seed: int | None = None,
        start: datetime | None = None,
    ) -> CampaignPlan:
        """What a campaign definition, as JSON or YAML, would do: who is called, who later, who
        never and why, when telephones may ring, and what it takes. Nothing is stored, and no
        call is placed. It lists its recipients; rows with problems are left out and shown.
        More than 100,000 rows and recipients of a campaign that goes on are refused with
        `plan_too_large`; `outdial plan` takes any number."""
        request = Request(
            "POST",
            "/campaigns/plan",
            query={"runs": runs, "seed": seed, "start": start},
            body=definition,
            text_type="application/yaml",
        )
        return await self._send(request, 200, CampaignPlan)
