"""All tables; importing this fills `metadata`."""

from outdial.store.db.tables.access import (
    api_key,
    console_session,
    idempotency,
    rate_count,
    sign_in_link,
)
from outdial.store.db.tables.appointment import appointment, appointment_change, appointment_slot
from outdial.store.db.tables.budget import budget_hold, budget_total
from outdial.store.db.tables.call import call, event, lease
from outdial.store.db.tables.callback import callback_entry, callback_run, is_unfinished, tool_call
from outdial.store.db.tables.campaign import (
    campaign,
    campaign_revision,
    claim_state,
    is_direct,
    is_open,
    revision_proposal,
)
from outdial.store.db.tables.canary import (
    OWN_PLAN,
    canary,
    canary_observation,
    is_pending_observation,
    own_plan,
    running_canary,
)
from outdial.store.db.tables.columns import EPOCH, Row
from outdial.store.db.tables.delivery import (
    delivery,
    delivery_attempt,
    endpoint,
    former_secret,
    is_listed,
)
from outdial.store.db.tables.directory import agent, contact, phone_number
from outdial.store.db.tables.line import line, line_demand, line_failure, line_rate
from outdial.store.db.tables.operator_log import operator_log
from outdial.store.db.tables.progress import progress_count
from outdial.store.db.tables.receipt import receipt
from outdial.store.db.tables.request import call_request
from outdial.store.db.tables.roster import (
    is_ready,
    is_request,
    is_unsignalled,
    is_waiting,
    recipient,
    roster,
    roster_chunk,
)
from outdial.store.db.tables.ruling import ruling
from outdial.store.db.tables.staging import is_unfinished_staging, staging
from outdial.store.db.tables.suppression import suppression, suppression_change

metadata = Row.metadata

__all__ = [
    "EPOCH",
    "OWN_PLAN",
    "agent",
    "api_key",
    "appointment",
    "appointment_change",
    "appointment_slot",
    "budget_hold",
    "budget_total",
    "call",
    "call_request",
    "callback_entry",
    "callback_run",
    "campaign",
    "campaign_revision",
    "canary",
    "canary_observation",
    "claim_state",
    "console_session",
    "contact",
    "delivery",
    "delivery_attempt",
    "endpoint",
    "event",
    "former_secret",
    "idempotency",
    "is_direct",
    "is_listed",
    "is_open",
    "is_pending_observation",
    "is_ready",
    "is_request",
    "is_unfinished",
    "is_unfinished_staging",
    "is_unsignalled",
    "is_waiting",
    "lease",
    "line",
    "line_demand",
    "line_failure",
    "line_rate",
    "metadata",
    "operator_log",
    "own_plan",
    "phone_number",
    "progress_count",
    "rate_count",
    "receipt",
    "recipient",
    "revision_proposal",
    "roster",
    "roster_chunk",
    "ruling",
    "running_canary",
    "sign_in_link",
    "staging",
    "suppression",
    "suppression_change",
    "tool_call",
]
