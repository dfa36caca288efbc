"""The exit code of each command, and of each error by its code."""

from __future__ import annotations

from collections.abc import Mapping

OK = 0
FAILED = 1
STOPPED = 3
VIOLATED = 4
INTERRUPTED = 130

EXIT_CODE: Mapping[str, int] = {
    # Settings, and the parts that a command needs
    "settings_invalid": FAILED,
    "stack_failed": FAILED,
    "stack_running": FAILED,
    "stack_gone": FAILED,
    "nothing_launched": FAILED,
    "temporal_unreachable": FAILED,
    "temporal_mismatch": FAILED,
    "temporal_unavailable": FAILED,
    "temporal_refused": FAILED,
    "worker_timeout": FAILED,
    "database_unavailable": FAILED,
    "row_process_failed": FAILED,
    "rehearsal_failed": FAILED,
    "statement_refused": FAILED,
    "not_offered": FAILED,
    "report_too_large": FAILED,
    "plan_too_large": FAILED,
    "interrupted": INTERRUPTED,
    # What was written
    "definition_invalid": FAILED,
    "request_refused": FAILED,
    "rules_invalid": FAILED,
    "reserved_name": FAILED,
    "no_callable_recipients": FAILED,
    "unknown_line": FAILED,
    "no_line_chosen": FAILED,
    # What it is about
    "not_found": FAILED,
    "no_such_campaign": FAILED,
    "no_such_recipient": FAILED,
    "unknown_campaign": FAILED,
    "unknown_appointment": FAILED,
    "unknown_call": FAILED,
    "launch_closing": FAILED,
    "conflict": FAILED,
    "request_in_progress": FAILED,
    "change_refused": FAILED,
    "illegal_transition": FAILED,
    "staging_ended": FAILED,
    "campaign_running": FAILED,
    "campaign_ended": FAILED,
    "purpose_changed": FAILED,
    "name_changed": FAILED,
    "revision_changed": FAILED,
    "proposal_gone": FAILED,
    "canary_running": FAILED,
    "canary_too_small": FAILED,
    "precondition_failed": FAILED,
    "stale_plan": FAILED,
    # Rights and limits, which the operator's own commands have all of
    "key_refused": FAILED,
    "key_disabled": FAILED,
    "scope_missing": FAILED,
    "key_outranked": FAILED,
    "too_many_requests": FAILED,
    "quota_used_up": FAILED,
}
