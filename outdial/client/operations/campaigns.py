"""Operations of the API: campaigns. Written by `make openapi`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outdial.client.models.campaigns import (
    AddedRecipients,
    CampaignDetails,
    CampaignExplanation,
    CampaignPage,
    CampaignStateChange,
    LaunchedCampaign,
    NewRecipients,
    PauseRequest,
    RecipientResultPage,
    RemovedRecipients,
    StopRequest,
)
from outdial.client.models.shared import CampaignState, Launch
from outdial.client.request import Request
from outdial.client.sending import Sender


class Campaigns(Sender):
    """Launch and control campaigns, add recipients, and read results."""

    def launch_campaign(
        self,
        definition: Mapping[str, Any] | str,
        *,
        contacts: bytes | Path | None = None,
        again: bool | None = None,
        plan: str | None = None,
        idempotency_key: str | None = None,
    ) -> LaunchedCampaign | Launch:
        """Launch a campaign definition, as JSON or YAML. It lists its recipients; it can't name
        files of this machine. A form with the parts `definition` and `contacts` (the CSV
        file) is launched while `GET /v1/launches/{id}` shows how far it is; so is a body of
        more than a megabyte."""
        request = Request(
            "POST",
            "/campaigns",
            query={"again": again, "plan": plan},
            body=definition,
            text_type="application/yaml",
            contacts=contacts,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        answer: LaunchedCampaign | Launch = self._send_for_one_of(
            request, {201: LaunchedCampaign, 202: Launch}
        )
        return answer

    def list_campaigns(
        self,
        *,
        state: CampaignState | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> CampaignPage:
        """All campaigns, ended ones included, oldest first."""
        request = Request(
            "GET",
            "/campaigns",
            query={"state": state, "limit": limit, "cursor": cursor},
        )
        return self._send(request, 200, CampaignPage)

    def get_campaign(
        self,
        name: str,
    ) -> CampaignDetails:
        """A campaign with its current figures."""
        request = Request(
            "GET",
            "/campaigns/{name}",
            parameters={"name": name},
        )
        return self._send(request, 200, CampaignDetails)

    def pause_campaign(
        self,
        name: str,
        body: PauseRequest | None = None,
    ) -> CampaignStateChange:
        """Place no more calls; calls in flight continue."""
        request = Request(
            "POST",
            "/campaigns/{name}/pause",
            parameters={"name": name},
            body=body,
        )
        return self._send(request, 200, CampaignStateChange)

    def resume_campaign(
        self,
        name: str,
    ) -> CampaignStateChange:
        """Place calls again."""
        request = Request(
            "POST",
            "/campaigns/{name}/resume",
            parameters={"name": name},
        )
        return self._send(request, 200, CampaignStateChange)

    def stop_campaign(
        self,
        name: str,
        body: StopRequest | None = None,
    ) -> CampaignStateChange:
        """End it for good. Calls in flight end by themselves, or are hung up."""
        request = Request(
            "POST",
            "/campaigns/{name}/stop",
            parameters={"name": name},
            body=body,
        )
        return self._send(request, 200, CampaignStateChange)

    def explain_recipient(
        self,
        name: str,
        *,
        phone: str,
    ) -> list[dict[str, Any]]:
        """Why a recipient is called now, later or never: time zones, rules, caps, attempts, and
        what could change the decision. One entry for each row of the roster with this number."""
        request = Request(
            "GET",
            "/campaigns/{name}/explain",
            parameters={"name": name},
            query={"phone": phone},
        )
        return self._send(request, 200, list[dict[str, Any]])

    def explain_campaign(
        self,
        name: str,
    ) -> CampaignExplanation:
        """Why a campaign places no calls, or no more of them: the limits that admit none now,
        and what its recipients wait for, by count. A thousand of them are decided about at
        most, those who are due first."""
        request = Request(
            "GET",
            "/campaigns/{name}/waiting",
            parameters={"name": name},
        )
        return self._send(request, 200, CampaignExplanation)

    def add_recipients(
        self,
        name: str,
        body: NewRecipients | str,
        *,
        idempotency_key: str | None = None,
    ) -> AddedRecipients | Launch:
        """Add recipients to a campaign that has not ended. Keys that a recipient does not have
        are variables. A contact file, as text/csv, is added while `GET /v1/launches/{id}`
        shows how far it is; its columns are those that the campaign's definition names."""
        request = Request(
            "POST",
            "/campaigns/{name}/recipients",
            parameters={"name": name},
            body=body,
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        answer: AddedRecipients | Launch = self._send_for_one_of(
            request, {202: AddedRecipients | Launch}
        )
        return answer

    def remove_recipient(
        self,
        name: str,
        phone: str,
    ) -> RemovedRecipients:
        """Remove a person from the current launch: they are not called any more, by any of their
        numbers, and a call to them is ended. Suppress the number if no campaign may call it."""
        request = Request(
            "DELETE",
            "/campaigns/{name}/recipients/{phone}",
            parameters={"name": name, "phone": phone},
        )
        return self._send(request, 200, RemovedRecipients)

    def list_results(
        self,
        name: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> RecipientResultPage:
        """The results of all recipients of the current launch."""
        request = Request(
            "GET",
            "/campaigns/{name}/results",
            parameters={"name": name},
            query={"limit": limit, "cursor": cursor},
        )
        return self._send(request, 200, RecipientResultPage)

    def export_results(
        self,
        name: str,
    ) -> str:
        """The same as one CSV file, streamed. Variables are columns named `var_…`, `state` is
        `recipient_state`; of more than 1,000 variables the others are in one column,
        `other_variables`, as JSON. It can be read as a contact file: what a spreadsheet would
        take for a formula stands behind an apostrophe, which is taken away again."""
        request = Request(
            "GET",
            "/campaigns/{name}/results.csv",
            parameters={"name": name},
        )
        return self._send_for_text(request)

    def get_launch(
        self,
        launch_id: str,
    ) -> Launch:
        """How far it is, or how it ended; for a day after its end."""
        request = Request(
            "GET",
            "/launches/{launch_id}",
            parameters={"launch_id": launch_id},
        )
        return self._send(request, 200, Launch)

    def cancel_launch(
        self,
        launch_id: str,
    ) -> Launch:
        """Cancel a launch that is staging: what is stored of it is removed. A canceled one is
        refused with `change_refused`; if the answer is lost, read the launch."""
        request = Request(
            "DELETE",
            "/launches/{launch_id}",
            parameters={"launch_id": launch_id},
            at_most_once=True,
        )
        return self._send(request, 202, Launch)
