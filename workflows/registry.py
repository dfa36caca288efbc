"""All workflows, and what runs their code: without Temporal's sandbox in production, within it in
tests and replays."""

from __future__ import annotations

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from outdial.domain.rules.zone import require_zone
from workflows.call import CallWorkflow
from workflows.callbacks import CallbackWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.request import RequestCallWorkflow
from workflows.run_campaign import RunCampaignWorkflow
from workflows.sweep import SweepWorkflow

WORKFLOWS = (
    CampaignWorkflow,
    CallWorkflow,
    RequestCallWorkflow,
    SweepWorkflow,
    DeliveryWorkflow,
    RunCampaignWorkflow,
    CallbackWorkflow,
)


def workflow_runner(*, sandboxed: bool) -> WorkflowRunner:
    """The runner of a worker. Both give the same commands: the sandbox only refuses."""
    return sandbox() if sandboxed else UnsandboxedWorkflowRunner()


def sandbox() -> SandboxedWorkflowRunner:
    """Ours and the libraries below are loaded once, outside: they are pure, or never called.

    phonenumbers loads its metadata lazily and pytz keeps a cache; neither survives the
    sandbox's own import, and neither is ever called from a workflow.
    """
    # pytz looks for its files at first use. Within a workflow it may not, would find none, and
    # would remember that for the whole process.
    require_zone("Europe/Berlin")
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "outdial.domain",
            "outdial.contracts",
            "phonenumbers",
            "pytz",
        )
    )
