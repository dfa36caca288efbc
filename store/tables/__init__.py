"""All tables; importing this fills `metadata`."""

from store.tables.after_call import after_call, after_call_step, tool_call
from store.tables.appointment import appointment, appointment_change, appointment_slot
from store.tables.call import call, event, lease
from store.tables.campaign import campaign, campaign_revision, claim_cursor
from store.tables.columns import EPOCH, Row
from store.tables.line import line, line_rate
from store.tables.receipt import receipt
from store.tables.roster import recipient, roster, roster_chunk
from store.tables.ruling import ruling
from store.tables.suppression import suppression, suppression_change

metadata = Row.metadata

__all__ = [
    "EPOCH",
    "after_call",
    "after_call_step",
    "appointment",
    "appointment_change",
    "appointment_slot",
    "call",
    "campaign",
    "campaign_revision",
    "claim_cursor",
    "event",
    "lease",
    "line",
    "line_rate",
    "metadata",
    "receipt",
    "recipient",
    "roster",
    "roster_chunk",
    "ruling",
    "suppression",
    "suppression_change",
    "tool_call",
]
