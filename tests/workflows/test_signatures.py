"""The signatures by which the engine starts workflows are those of the workflows themselves."""

from __future__ import annotations

import inspect

import pytest
from temporalio import workflow

from outdial.contracts import workflows as signatures
from workflows.registry import WORKFLOWS

SIGNATURES = {
    name: found
    for name, found in vars(signatures).items()
    if inspect.isclass(found) and found.__module__ == signatures.__name__
}
OURS = {one.__name__: one for one in WORKFLOWS}


def test_there_are_signatures() -> None:
    assert SIGNATURES.keys() <= OURS.keys()
    assert "CampaignWorkflow" in SIGNATURES


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_signature_is_its_workflows(name: str) -> None:
    here = workflow._Definition.must_from_class(SIGNATURES[name])
    there = workflow._Definition.must_from_class(OURS[name])
    assert (here.name, here.arg_types, here.ret_type) == (
        there.name,
        there.arg_types,
        there.ret_type,
    )
