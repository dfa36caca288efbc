"""The Nexus service `outdial`: a workflow in another namespace awaits a call, or a campaign."""

from __future__ import annotations

from dataclasses import replace

import nexusrpc
from nexusrpc import HandlerError, HandlerErrorType
from nexusrpc.handler import service_handler
from temporalio.nexus import WorkflowHandle, WorkflowRunOperationContext, workflow_run_operation

from outdial.contracts.messages import CampaignResult, RequestCallInput, RequestResult
from outdial.contracts.signatures.launch import LaunchInput
from outdial.dispatch.nexus import start_launch, start_request
from outdial.domain.access import allows
from outdial.domain.bounds import OutOfBounds
from outdial.domain.line.routing import UnknownLine
from outdial.resources.resources import Resources
from outdial.services.accounts.rights import require_for_call
from outdial.services.errors import ScopeMissing

PLACE_CALLS = "calls:write"
RUN_CAMPAIGNS = "campaigns:write"


@nexusrpc.service(name="outdial")
class OutdialService:
    """What other namespaces may ask for."""

    place_call: nexusrpc.Operation[RequestCallInput, RequestResult]
    run_campaign: nexusrpc.Operation[LaunchInput, CampaignResult]


@service_handler(service=OutdialService)
class OutdialServiceHandler:
    """`scopes` are those of every caller: another namespace has no key of ours."""

    def __init__(self, context: Resources, scopes: tuple[str, ...]) -> None:
        self._context = context
        self._scopes = scopes

    @workflow_run_operation
    async def place_call(
        self, ctx: WorkflowRunOperationContext, order: RequestCallInput
    ) -> WorkflowHandle[RequestResult]:
        """One call and its final outcome; the same key again is the same request."""
        await self._require(order)
        return await start_request(ctx, order)

    async def _require(self, order: RequestCallInput) -> None:
        """Raises HandlerError, which is not tried again."""
        own = replace(self._context, tenant=order.tenant)
        self._require_scope(PLACE_CALLS)
        try:
            order.request.require_bounded()
            await require_for_call(own, self._scopes, order.request)
        except ScopeMissing as error:
            raise _unauthorized(error) from None
        except (OutOfBounds, UnknownLine) as error:
            raise _refused(str(error), HandlerErrorType.BAD_REQUEST) from None

    @workflow_run_operation
    async def run_campaign(
        self, ctx: WorkflowRunOperationContext, order: LaunchInput
    ) -> WorkflowHandle[CampaignResult]:
        """A campaign from its launch to its end."""
        return await start_launch(ctx, self._with_scopes(order))

    def _with_scopes(self, order: LaunchInput) -> LaunchInput:
        """What is asked for, with our scopes, whatever it says of them itself.

        Raises HandlerError, which is not tried again.
        """
        self._require_scope(RUN_CAMPAIGNS)
        return order.model_copy(update={"scopes": self._scopes})

    def _require_scope(self, scope: str) -> None:
        if not allows(self._scopes, scope):
            raise _unauthorized(ScopeMissing(scope))


def _unauthorized(error: ScopeMissing) -> HandlerError:
    hint = "nexus_scopes in the settings has those of other namespaces"
    return _refused(f"{error}; {hint}", HandlerErrorType.UNAUTHORIZED)


def _refused(why: str, kind: HandlerErrorType) -> HandlerError:
    return HandlerError(why, type=kind, retryable_override=False)
