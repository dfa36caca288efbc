"""The signatures by which the engine starts workflows are those of the workflows themselves."""

from __future__ import annotations

import inspect

import pytest
from temporalio import workflow

from outdial.contracts import workflows as signatures
from outdial.contracts.messages import CampaignInput
from workflows.registry import WORKFLOWS

SIGNATURES = {
    name: found
    for name, found in vars(signatures).items()
    if inspect.isclass(found) and found.__module__ == signatures.__name__
}
OURS = {one.__name__: one for one in WORKFLOWS}


def test_every_workflow_has_a_signature() -> None:
    assert SIGNATURES.keys() == OURS.keys()


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_signature_is_its_workflows(name: str) -> None:
    here = workflow._Definition.must_from_class(SIGNATURES[name])
    there = workflow._Definition.must_from_class(OURS[name])
    assert (here.name, here.arg_types, here.ret_type) == (
        there.name,
        there.arg_types,
        there.ret_type,
    )


def test_an_earlier_input_of_the_direct_campaign_is_read() -> None:
    stored = '{"tenant": "default", "campaign": "direct", "campaign_id": 1, "launch": 1'
    assert CampaignInput.model_validate_json(stored + ', "standing": true}').direct
    assert not CampaignInput.model_validate_json(stored + "}").direct
