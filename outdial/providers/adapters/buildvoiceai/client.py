"""The adapter to BuildVoiceAI: it dials, and everything else comes by webhook."""

from __future__ import annotations

from typing import Any, ClassVar

import httpx

from outdial.domain.call.placing import PlaceRequest
from outdial.providers.adapters.buildvoiceai import webhook
from outdial.providers.adapters.buildvoiceai.webhook import ERROR, BuildVoiceAIWebhooks
from outdial.providers.carried import Carried
from outdial.providers.http.answers import json_of, placement_error, request_error
from outdial.providers.http.provider import HttpProvider
from outdial.providers.port import Capabilities, Placed, WebhookReader
from outdial.providers.reports.payload import text_at

BASE_URL = "https://app.buildvoiceai.com/api/v1"
_TRIGGER = "calls/trigger"


class BuildVoiceAIProvider(HttpProvider):
    """A line at BuildVoiceAI (docs.buildvoiceai.com/docs/reference, Agency plan).

    Credentials: `api_key` (docs/reference/api-authentication); `webhook_secret`, of our own
    making, which the webhook URL in its settings ends with: `/hooks/<line>/<webhook_secret>`. No
    options.

    Its API has one endpoint, which dials. So there is no asking what became of a call, no
    finding one whose answer was lost, no hanging up; what no webhook reports stays unknown. Our id
    travels in `metadata`, which webhooks echo. `name` and `email` of the recipient reach the
    prompt; other variables only the metadata. The caller id, how long it rings, the longest talk
    and recording are settings of the agent there: its longest talk should not be longer than
    the campaign's. Limits: 100 requests a minute, 10 calls at a time for one key; both 429.
    """

    default_url: ClassVar[str] = BASE_URL
    name: ClassVar[str] = "buildvoiceai"
    reader: ClassVar[type[WebhookReader]] = BuildVoiceAIWebhooks
    capabilities: ClassVar[Capabilities] = Capabilities(
        can_look_up=False,
        can_find=False,
        can_end=False,
        reports_ringing=False,
        sends_webhooks=True,
        sends_analysis=False,  # what it makes of a call comes with the end
        idempotent_create=False,
        echo="metadata of webhooks",
        calls_per_second=100 / 60,
        concurrent_calls=10,
    )
    carried: ClassVar[Carried] = Carried(
        where="the agent at BuildVoiceAI",
        caller_id=False,
        recording_on=False,
        recording_off=False,
        ring_timeout=None,
        max_duration=None,
        settings=frozenset(),
    )

    async def place(self, request: PlaceRequest) -> Placed:
        response = await self._http.create("POST", _TRIGGER, json=_order(request))
        content = json_of(response)
        # The reference wraps results in `data`, the page of this call shows none.
        call_id = text_at(content, "data", "call_id") or text_at(content, "call_id")
        if response.is_success and call_id is not None:
            return Placed(provider_call_id=call_id)
        failure = None
        if response.status_code == httpx.codes.BAD_REQUEST:
            failure = ERROR.meaning_of(text_at(content, "error") or "").failure
        raise placement_error(response, self.line.name, failure=failure)

    async def check(self) -> str:
        """Ask for a call to nobody: refused as such, once the key was accepted."""
        response = await self._http.ask("POST", _TRIGGER, json={})
        if response.status_code != httpx.codes.BAD_REQUEST:
            raise request_error(response, self.line.name)
        return f"BuildVoiceAI at {self._http.base_url}: key accepted"


def _order(request: PlaceRequest) -> dict[str, Any]:
    person = {name: request.variables.get(name) for name in ("name", "email")}
    order = {
        "phone_number": request.to,
        "agent_id": request.agent or None,
        **person,
        "metadata": {**request.variables, webhook.OUR_ID: request.call_id},
    }
    return {name: value for name, value in order.items() if value is not None}
