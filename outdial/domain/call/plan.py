"""How one recipient is to be called: what a campaign says, or a single request for a call."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ConfigDict, Field

from outdial.domain.bounds import AGENT_SETTINGS, FREE_FORM, REQUEST, OutOfBounds, require_within
from outdial.domain.call.disposition import slug_of
from outdial.domain.call.policy import BOUNDED, CallPolicy, CampaignPolicy, out_of_bounds
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.fields import STORED, Timestamp
from outdial.domain.line.routing import LineShare
from outdial.domain.rules.consent import Consent


class CallPlan(CampaignPolicy):
    """Everything the claim, the fence and the settlement need to know beyond the recipient."""

    model_config = ConfigDict(extra="ignore")  # what an earlier version stored is read, too

    line: str
    """Of several, the first."""
    lines: tuple[LineShare, ...] = ()
    """With their weights; none: `line` alone."""

    @classmethod
    def of(cls, definition: CampaignDefinition) -> CallPlan:
        """The plan of a definition whose lines are known. Raises ValueError for one without."""
        if not definition.line:
            raise ValueError(f"{definition.name} names no line, and none was chosen for it")
        policy = {name: getattr(definition, name) for name in CampaignPolicy.model_fields}
        return cls(line=definition.line[0].name, lines=definition.line, **policy)

    @cached_property
    def derived(self) -> dict[Any, Any]:
        """Cache of decisions under this plan, freed with it."""
        return {}

    def guard(self) -> timedelta:
        """How long before the end of a window no call starts any more."""
        guard = self.schedule.guard
        return max(guard, self.ring_timeout) if guard else guard

    @property
    def shares(self) -> tuple[LineShare, ...]:
        """Its lines, at least one."""
        return self.lines or (LineShare(name=self.line),)

    def lines_in_words(self) -> str:
        """`line main`, or `lines main, spare`, for people."""
        names = [share.name for share in self.shares]
        return f"line{'s' if len(names) > 1 else ''} {', '.join(names)}"

    def agent_on(self, line: str) -> Agent:
        """Who speaks on one of its lines."""
        share = self._share(line)
        return (share and share.agent) or self.agent

    def caller_ids_on(self, line: str) -> tuple[str, ...]:
        share = self._share(line)
        return (share and share.caller_ids) or self.caller_ids

    def _share(self, line: str) -> LineShare | None:
        return next((share for share in self.lines if share.name == line), None)

    def dispositions(self) -> frozenset[str]:
        """Slugs of the dispositions that its callbacks are conditional on."""
        words = (word for callback in self.callbacks for word in callback.when.disposition)
        return frozenset(slug for slug in map(slug_of, words) if slug is not None)


class CallRequest(CallPolicy):
    """One call asked for by another service, with a policy of its own."""

    to: str
    """E.164."""
    line: str | None = None
    """Without it: `default_line` of the settings, else the only real line there is."""
    caller_id: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_zone: str | None = None
    state: str | None = None
    postal_code: str | None = None
    """Where the person is, beside what the number implies."""
    not_before: Timestamp | None = None
    consent: Consent | None = None
    """What the person has consented to."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Returned as it came; ours to keep, never to read."""

    def require_bounded(self) -> None:
        """Check the sizes of all values, and the call and ring durations. Raises OutOfBounds."""
        require_within(self.context, FREE_FORM, ("context",))
        require_within(self.variables, FREE_FORM, ("variables",))
        require_within(self.agent.settings, AGENT_SETTINGS, ("agent", "settings"))
        require_within(self.model_dump(exclude={"context", "variables", "agent"}), REQUEST)
        for name in BOUNDED:
            problem = out_of_bounds(name, getattr(self, name))
            if problem is not None:
                raise OutOfBounds((name,), problem)

    def plan(self) -> CallPlan:
        """The plan of the call. Raises ValueError while no line is chosen."""
        if self.line is None:
            raise ValueError("the request names no line, and none was chosen for it")
        shown = (self.caller_id,) if self.caller_id else ()
        policy = {name: getattr(self, name) for name in CallPolicy.model_fields}
        return CallPlan(line=self.line, caller_ids=shown, **policy)


@lru_cache(maxsize=1024)
def read_plan(text: str) -> CallPlan:
    """A stored plan from its JSON text; remembered, because a roster shares one."""
    return CallPlan.model_validate_json(text, context=STORED)
