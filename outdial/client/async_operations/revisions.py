"""Operations of the API, awaited: revisions. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.client.models.revisions import (
    AppliedRevision,
    Canary,
    RevisionPage,
    RollbackRequest,
    RosterMode,
)
from outdial.client.models.shared import DefinitionDifference, Launch
from outdial.client.request import Request
from outdial.client.sending import AsyncSender


class AsyncRevisions(AsyncSender):
    """Change a campaign that runs, and go back."""

    async def apply_definition(
        self,
        name: str,
        definition: Mapping[str, Any] | str,
        *,
        contacts: bytes | Path | None = None,
        recipients: RosterMode | None = None,
        canary: float | None = None,
        reason: str | None = None,
        plan: str | None = None,
        idempotency_key: str | None = None,
        if_match: str | int | None = None,
    ) -> AppliedRevision | Launch:
        """Make a campaign that has not ended match a definition, as JSON or YAML. Calls that are
        claimed run out as they were; what may not be called any more is not. With `If-Match`,
        only from that revision. A form with the parts `definition` and `contacts` (the CSV
        file) is applied while `GET /v1/launches/{id}` shows how far it is."""
        request = Request(
            "POST",
            "/campaigns/{name}/apply",
            parameters={"name": name},
            query={"recipients": recipients, "canary": canary, "reason": reason, "plan": plan},
            body=definition,
            text_type="application/yaml",
            contacts=contacts,
            idempotent=True,
            idempotency_key=idempotency_key,
            if_match=if_match,
        )
        answer: AppliedRevision | Launch = await self._send_for_one_of(
            request, {200: AppliedRevision, 202: Launch}
        )
        return answer

    async def roll_back_campaign(
        self,
        name: str,
        body: RollbackRequest | None = None,
        *,
        idempotency_key: str | None = None,
        if_match: str | int | None = None,
    ) -> AppliedRevision:
        """Apply the definition of an earlier revision again. Nobody is added or removed."""
        request = Request(
            "POST",
            "/campaigns/{name}/rollback",
            parameters={"name": name},
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
            if_match=if_match,
        )
        return await self._send(request, 200, AppliedRevision)

    async def list_revisions(
        self,
        name: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> RevisionPage:
        """Every version of the campaign's definition, the newest first: who made it, when and
        why."""
        request = Request(
            "GET",
            "/campaigns/{name}/revisions",
            parameters={"name": name},
            query={"limit": limit, "cursor": cursor},
        )
        return await self._send(request, 200, RevisionPage)

    async def diff_revisions(
        self,
        name: str,
        *,
        before: int,
        after: int,
    ) -> list[DefinitionDifference]:
        """What differs from one revision to another, key by key."""
        request = Request(
            "GET",
            "/campaigns/{name}/diff",
            parameters={"name": name},
            query={"before": before, "after": after},
        )
        return await self._send(request, 200, list[DefinitionDifference])

    async def get_canary(
        self,
        name: str,
    ) -> Canary:
        """The last canary of a campaign, running or ended: both arms beside each other, and the
        evidence against it."""
        request = Request(
            "GET",
            "/campaigns/{name}/canary",
            parameters={"name": name},
        )
        return await self._send(request, 200, Canary)
