"""Names of task queues, workflow executions and signals."""

from __future__ import annotations

TASK_QUEUE = "outdial"
"""Workflows and their short activities."""
CALL_QUEUE = "outdial-calls"
"""Activities that talk to providers, so that a slow one never delays a campaign."""
DELIVERY_QUEUE = "outdial-deliveries"
"""Activities that talk to customers' URLs, which answer when they like."""
CALLBACK_QUEUE = "outdial-callbacks"
"""Callbacks against other systems, which may hang as long as they like."""

SWEEP_SCHEDULE = "outdial-sweep"
NEXUS_ENDPOINT = "outdial"
"""Where workflows of other namespaces find the Nexus service, unless it is created elsewhere."""


def campaign_workflow_id(tenant: str, campaign: str) -> str:
    return f"campaign/{tenant}/{campaign}"


def call_workflow_id(
    tenant: str, campaign: str, launch: int, recipient_id: int, number: int
) -> str:
    return f"call/{tenant}/{campaign}/{launch}/{recipient_id}/{number}"


def campaign_memo(campaign_id: int, launch: int) -> dict[str, int]:
    """Kept with a campaign's run: which launch it carries out."""
    return {"campaign_id": campaign_id, "launch": launch}


def request_workflow_id(tenant: str, key: str) -> str:
    return f"request/{tenant}/{key}"


def run_campaign_workflow_id(tenant: str, name: str) -> str:
    return f"run-campaign/{tenant}/{name}"


def schedule_id(tenant: str, name: str) -> str:
    """Id of the Temporal Schedule of a recurring campaign."""
    return f"recurring/{tenant}/{name}"


def delivery_workflow_id(tenant: str, endpoint_id: str) -> str:
    return f"delivery/{tenant}/{endpoint_id}"


def callback_workflow_id(call_id: str, run: int) -> str:
    return f"callbacks/{call_id}/{run}"


def subject_of(workflow_id: str) -> dict[str, str]:
    """The tenant, campaign or call that the id of one of our workflows names."""
    kind, *parts = workflow_id.split("/")
    if kind in ("campaign", "call", "run-campaign") and len(parts) > 1:
        return {"tenant": parts[0], "campaign": parts[1]}
    if kind in ("request", "delivery") and parts:
        return {"tenant": parts[0]}
    if kind == "callbacks" and parts:
        return {"call": parts[0]}
    return {}


REPORT_SIGNAL = "report"
HANG_UP_SIGNAL = "hang_up"
NUDGE_SIGNAL = "nudge"
REQUEST_SETTLED_SIGNAL = "settled"
"""Signals that are sent by name, from where the workflow classes may not be imported."""
