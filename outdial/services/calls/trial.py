"""A call to one's own number, to hear what recipients will."""

from __future__ import annotations

from outdial.domain.call.plan import CallPlan, CallRequest
from outdial.domain.call.retry import Retry
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.schedule import Schedule, Span

_WHOLE_DAY = Schedule(hours=(Span(start=0, end=24 * 60),), time_zone="UTC")
"""Whoever calls their own telephone chose the hour."""


def trial_request(
    definition: CampaignDefinition, number: str, variables: dict[str, str]
) -> CallRequest:
    """A call to one's own number as the first recipient would get it: at any hour, once."""
    plan = CallPlan.of(definition)
    limits = {"max_duration", "ring_timeout", "recording"} & definition.model_fields_set
    return CallRequest(
        to=number,
        agent=plan.agent_on(plan.line),
        purpose=definition.purpose,
        line=plan.line,
        caller_id=next(iter(plan.caller_ids_on(plan.line)), None),
        variables=variables,
        schedule=_WHOLE_DAY,
        retry=Retry(max_attempts=1),
        **{name: getattr(definition, name) for name in limits},
    )
