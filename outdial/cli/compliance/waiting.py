"""What a campaign waits for, in words."""

from __future__ import annotations

from collections.abc import Iterator

from outdial.cli.output import counted, plural
from outdial.domain.call.claim import CampaignState
from outdial.domain.dated_time import dated_time
from outdial.domain.record import RecipientState
from outdial.services.compliance.waiting import CampaignExplanation, WaitingReason


def campaign_lines(explanation: CampaignExplanation, *, live: bool) -> Iterator[str]:
    """`live` is whether an engine runs that would place its calls."""
    name, state = explanation.campaign, explanation.state
    states = counted(explanation.recipients) or "no recipients"
    yield f"{name} is {state}; {explanation.in_flight} in flight; recipients: {states}"
    if not live and not state.over:
        yield "  no engine is running; `outdial up` resumes it"
    if state is CampaignState.PAUSED:
        why = f": {explanation.reason}" if explanation.reason else ""
        yield f"  it is paused{why}; `outdial resume {name}` places calls again"
    for limit in explanation.limits:
        yield f"  limit reached: {limit}"
    waiting = explanation.recipients.get(RecipientState.WAITING, 0)
    if waiting > explanation.decided:
        yield f"  of {waiting} who wait, the {explanation.decided} who are due first:"
    for each in explanation.waiting:
        yield from _waiting(each, explanation)
    ready = explanation.recipients.get(RecipientState.READY, 0)
    if ready:
        yield f"  {plural(ready, 'person', 'people')}: within their hours, waiting for a free slot"


def _waiting(each: WaitingReason, explanation: CampaignExplanation) -> Iterator[str]:
    yield f"  {plural(each.people, 'person', 'people')}: {each.reason}"
    if each.next_call_at is not None and each.next_call_at > explanation.at:
        first = dated_time(each.next_call_at, (each.next_call_zone,))
        yield f"    can be called from {first} on"
    yield f"    what could change it: {each.could_change_it}"
