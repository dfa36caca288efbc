"""Checks the call settings of a definition or a request against what its lines can pass on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from outdial.domain.call.plan import CallPlan, CallRequest
from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.line.routing import LineShare
from outdial.providers.carried import CallSettings, NotCarried, Path
from outdial.providers.lines import Line

_WRITTEN = ("recording", "ring_timeout", "max_duration")


def not_carried_by(
    lines: Mapping[str, Line], definition: CampaignDefinition
) -> Iterator[NotCarried]:
    """The settings written in a definition that one of its lines would drop, by their keys there.

    Defaults are not checked here: where a line can't keep to one, launching says so.
    """
    plan = CallPlan.of(definition)
    written = {
        name: getattr(plan, name) for name in _WRITTEN if name in definition.model_fields_set
    }
    for index, share in enumerate(definition.line or ()):
        line = lines[share.name]
        requested = CallSettings(
            agent=plan.agent_on(share.name),
            caller_ids=plan.caller_ids_on(share.name) or line.policy.caller_ids,
            variables=frozenset(definition.variables),
            **written,
        )
        for refusal in line.provider.refused(requested):
            path = _path_of(refusal.path, index, share, definition)
            yield NotCarried(path, refusal.message)


def not_carried_of(
    line: Line,
    request: CallRequest,
    *,
    variables: bool = True,
    written: Collection[str] = (),
) -> Iterator[NotCarried]:
    """The settings of a request that its line would drop.

    A field with its default is checked only if it is among the `written` ones: a request that came
    through a workflow has all of them set. With `variables`, all of them have to reach the agent.
    """
    fields = CallRequest.model_fields
    explicit = {
        name: value
        for name in _WRITTEN
        if (value := getattr(request, name)) != fields[name].default or name in written
    }
    requested = CallSettings(
        agent=request.agent,
        caller_ids=(request.caller_id,) if request.caller_id else (),
        variables=frozenset(request.variables if variables else ()),
        **explicit,
    )
    for refusal in line.provider.refused(requested):
        name = "caller_id" if refusal.path[0] == "caller_ids" else refusal.path[0]
        yield NotCarried((name, *refusal.path[1:]), refusal.message)


def in_words(refusal: NotCarried) -> str:
    """`recording: line main can't carry it: …`, for those who have no file."""
    return f"{'.'.join(map(str, refusal.path))}: {refusal.message}"


def _path_of(path: Path, index: int, share: LineShare, definition: CampaignDefinition) -> Path:
    """Where it stands in the file: of an agent or a number, the line's own go first."""
    if path[0] == "agent" and share.agent is not None:
        return ("line", index, *path)
    if path[0] == "caller_ids" and (share.caller_ids or not definition.caller_ids):
        return ("line", index, *path) if share.caller_ids else ("line",)
    return path
