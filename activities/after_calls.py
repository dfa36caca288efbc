"""Activities of what follows a call: each step of its chain, carried out and written down."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.callbacks.appointments import AppointmentStep
from activities.callbacks.email import send_email
from activities.callbacks.mirror import Mirror
from activities.callbacks.outcome import StepOutcome, done, follow_up, not_yet, refused
from activities.callbacks.webhook import send_webhook
from activities.heartbeat import heartbeating
from activities.shares import TenantShares
from outdial.calendars.port import CalendarConflict
from outdial.contracts.names import NUDGE_SIGNAL
from outdial.contracts.signatures.after_call import (
    AfterCallActivities,
    ChainEnd,
    ChainPlan,
    ChainRef,
    StepNote,
    StepPlan,
    StepRef,
    StepResult,
)
from outdial.dispatch.telling import signal_workflow
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.chain import MIRROR, Step, StepContext, StepState
from outdial.domain.definition.callbacks import CallbackKind
from outdial.resources.resources import Resources
from outdial.store.appointments import finding
from outdial.store.callbacks import chains
from outdial.store.db.errors import UnknownCall

STEPS_OF_TENANT = 40
"""Of one tenant at the same time in one worker, a fifth of the places."""


class AfterCalls(AfterCallActivities):
    """Steps against calendars, endpoints and mail servers."""

    def __init__(self, resources: Resources, *, share: int = STEPS_OF_TENANT) -> None:
        self._resources = resources
        self._shares = TenantShares(share)

    @activity.defn(name="read_chain")
    async def read_chain(self, chain: ChainRef) -> ChainPlan:
        found = await self._resources.database.read(lambda s: chains.get_chain(s, chain.call_id))
        if found is None:
            raise ApplicationError("found no such chain", type="UnknownCall", non_retryable=True)
        return ChainPlan(steps=tuple(_plan(step) for step in found.steps))

    @activity.defn(name="run_step")
    async def run_step(self, step: StepRef) -> StepResult:
        async with heartbeating():
            context = await self._context(step)
            if context.step.state is not StepState.PENDING:
                return StepResult(state=context.step.state)  # a try before this one did it
            with self._shares.place(context.call.tenant) as held:
                if not held and step.may_wait:
                    return _busy(context.step)
                outcome = await self._carry_out(context, step.timeout)
                await self._record(context.step, outcome)
            return StepResult(state=outcome.state)

    @activity.defn(name="undo_step")
    async def undo_step(self, step: StepRef) -> StepResult:
        async with heartbeating():
            context = await self._context(step)
            if context.step.state is StepState.DONE:
                with self._shares.place(context.call.tenant) as held:
                    if not held and step.may_wait:
                        return _busy(context.step)
                    await self._appointment_step(context).undo()
                    await self._record(context.step, StepOutcome(StepState.UNDONE, "undone"))
            return StepResult(state=StepState.UNDONE)

    @activity.defn(name="note_step")
    async def note_step(self, note: StepNote) -> None:
        def work(s: Session) -> None:
            step = chains.context_of(s, note.call_id, note.position).step
            now = self._resources.clock()
            chains.record_step(s, step, note.state, note=note.note, result=step.result, now=now)

        await self._resources.database.write(work)

    @activity.defn(name="finish_chain")
    async def finish_chain(self, end: ChainEnd) -> None:
        now = self._resources.clock()
        await self._resources.database.write(
            lambda s: chains.finish_chain(s, end.call_id, end.run, error=end.error, now=now)
        )

    async def _context(self, step: StepRef) -> StepContext:
        try:
            return await self._resources.database.read(
                lambda s: chains.context_of(s, step.call_id, step.position)
            )
        except UnknownCall as error:
            raise refused(str(error)) from error

    async def _carry_out(self, context: StepContext, timeout: timedelta) -> StepOutcome:
        kind, integrations = (
            context.step.kind,
            self._resources.integrations.of_tenant(context.call.tenant),
        )
        if kind == MIRROR:
            return await self._tell_calendar(context)
        if kind == CallbackKind.ENROLL:
            return await self._nudge(context.step)
        if CallbackKind(kind).on_appointments:
            return await self._appointment_step(context).run()
        appointment = await self._appointment(context)
        if kind == CallbackKind.EMAIL:
            now = self._resources.clock()
            return await send_email(integrations, context, appointment, timeout, now)
        return await send_webhook(integrations, context, appointment, timeout)

    def _appointment_step(self, context: StepContext) -> AppointmentStep:
        mirror = self._mirror(context)
        return AppointmentStep(self._resources.database, mirror, context, self._resources.clock())

    def _mirror(self, context: StepContext) -> Mirror:
        tenant = context.call.tenant
        calendars = self._resources.integrations.of_tenant(tenant).calendars
        return Mirror(self._resources.database, calendars, tenant, self._resources.clock)

    async def _tell_calendar(self, context: StepContext) -> StepOutcome:
        """What the agent booked or changed while it talked."""
        touched = await self._resources.database.read(
            lambda s: finding.touched_by_call(s, context.call.id)
        )
        mirror, conflicts = self._mirror(context), 0
        for appointment in touched:
            try:
                await mirror.tell(appointment)
            except CalendarConflict:
                conflicts += 1
        if conflicts:
            return follow_up("somebody else changed the appointment in the calendar")
        return done("told")

    async def _nudge(self, step: Step) -> StepOutcome:
        workflow_id = str((step.result or {}).get("workflow_id"))
        if not await signal_workflow(self._resources.temporal, workflow_id, NUDGE_SIGNAL):
            raise not_yet("the campaign could not be told")
        return done(step.note or "enrolled", workflow_id=workflow_id)

    async def _appointment(self, context: StepContext) -> Appointment | None:
        """The appointment that a template means: of this call, else the person's next one."""
        calendar = context.plan.calendar
        if calendar is None:
            return None
        now, call = self._resources.clock(), context.call

        def work(s: Session) -> Appointment | None:
            touched = finding.touched_by_call(s, call.id)
            if touched:
                return touched[-1]
            return finding.of_person(
                s, call.tenant, calendar.name, list(context.phones), now, call.recipient_id
            )

        return await self._resources.database.read(work)

    async def _record(self, step: Step, outcome: StepOutcome) -> None:
        now = self._resources.clock()
        await self._resources.database.write(
            lambda s: chains.record_step(
                s, step, outcome.state, note=outcome.note, result=outcome.result, now=now
            )
        )


def _busy(step: Step) -> StepResult:
    return StepResult(state=step.state, busy=True, tries=activity.info().attempt - 1)


def _plan(step: Step) -> StepPlan:
    plan = StepPlan(position=step.position, kind=step.kind, state=step.state)
    if step.callback is None:
        return plan
    callback = step.callback
    update = {"after": callback.after, "undo": callback.undo, "retry": callback.retry}
    return plan.model_copy(update=update)
