"""Activities of `CallbackWorkflow`: carries callbacks out, and records their states."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.callbacks.appointments import AppointmentCallback
from activities.callbacks.email import send_email
from activities.callbacks.mirror import Mirror
from activities.callbacks.outcome import CallbackOutcome, done, follow_up, not_yet, refused
from activities.callbacks.webhook import send_webhook
from activities.heartbeat import heartbeating
from activities.shares import TenantShares
from outdial.calendars.port import CalendarConflict
from outdial.contracts.signatures.callback import (
    CallbackActivities,
    CallbackNote,
    CallbackPlan,
    CallbackRef,
    CallbackResult,
    CallbackRunEnd,
    CallbackRunPlan,
    CallbackRunRef,
)
from outdial.dispatch.signals import wake_campaign
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.callback_run import MIRROR, CallbackContext, CallbackEntry, CallbackState
from outdial.domain.definition.callbacks import CallbackKind
from outdial.resources.resources import Resources
from outdial.store.appointments import lookup
from outdial.store.callbacks import runs
from outdial.store.db.errors import UnknownCall

CALLBACKS_PER_TENANT = 40
"""At the same time in one worker: a fifth of its slots."""


class CallbackRuns(CallbackActivities):
    """Callbacks against calendars, endpoints and mail servers."""

    def __init__(self, resources: Resources, *, share: int = CALLBACKS_PER_TENANT) -> None:
        self._resources = resources
        self._shares = TenantShares(share)

    @activity.defn(name="read_callback_run")
    async def read_callback_run(self, run: CallbackRunRef) -> CallbackRunPlan:
        stored = await self._resources.database.read(
            lambda s: runs.get_callback_run(s, run.call_id)
        )
        if stored is None:
            raise ApplicationError(
                "found no callbacks of this call", type="UnknownCall", non_retryable=True
            )
        return CallbackRunPlan(callbacks=tuple(_plan(entry) for entry in stored.entries))

    @activity.defn(name="run_callback")
    async def run_callback(self, callback: CallbackRef) -> CallbackResult:
        async with heartbeating():
            context = await self._context(callback)
            if context.entry.state is not CallbackState.PENDING:
                return CallbackResult(state=context.entry.state)  # a try before this one did it
            with self._shares.place(context.call.tenant) as held:
                if not held and callback.may_wait:
                    return _busy(context.entry)
                outcome = await self._carry_out(context, callback.timeout)
                await self._record(context.entry, outcome)
            return CallbackResult(state=outcome.state)

    @activity.defn(name="undo_callback")
    async def undo_callback(self, callback: CallbackRef) -> CallbackResult:
        async with heartbeating():
            context = await self._context(callback)
            if context.entry.state is CallbackState.DONE:
                with self._shares.place(context.call.tenant) as held:
                    if not held and callback.may_wait:
                        return _busy(context.entry)
                    await self._appointment_callback(context).undo()
                    await self._record(
                        context.entry, CallbackOutcome(CallbackState.UNDONE, "undone")
                    )
            return CallbackResult(state=CallbackState.UNDONE)

    @activity.defn(name="note_callback")
    async def note_callback(self, note: CallbackNote) -> None:
        def work(s: Session) -> None:
            entry = runs.context_of(s, note.call_id, note.position).entry
            now = self._resources.clock()
            runs.record_callback(s, entry, note.state, note=note.note, result=entry.result, now=now)

        await self._resources.database.write(work)

    @activity.defn(name="finish_callback_run")
    async def finish_callback_run(self, end: CallbackRunEnd) -> None:
        now = self._resources.clock()
        await self._resources.database.write(
            lambda s: runs.finish_callback_run(s, end.call_id, end.run, error=end.error, now=now)
        )

    async def _context(self, callback: CallbackRef) -> CallbackContext:
        try:
            return await self._resources.database.read(
                lambda s: runs.context_of(s, callback.call_id, callback.position)
            )
        except UnknownCall as error:
            raise refused(str(error)) from error

    async def _carry_out(self, context: CallbackContext, timeout: timedelta) -> CallbackOutcome:
        kind = context.entry.kind
        integrations = self._resources.integrations.of_tenant(context.call.tenant)
        if kind == MIRROR:
            return await self._mirror_changes(context)
        if kind == CallbackKind.ENROLL:
            return await self._nudge(context.entry)
        if CallbackKind(kind).on_appointments:
            return await self._appointment_callback(context).run()
        appointment = await self._appointment(context)
        if kind == CallbackKind.EMAIL:
            now = self._resources.clock()
            return await send_email(integrations, context, appointment, timeout, now)
        return await send_webhook(integrations, context, appointment, timeout)

    def _appointment_callback(self, context: CallbackContext) -> AppointmentCallback:
        mirror = self._mirror(context)
        return AppointmentCallback(
            self._resources.database, mirror, context, self._resources.clock()
        )

    def _mirror(self, context: CallbackContext) -> Mirror:
        tenant = context.call.tenant
        calendars = self._resources.integrations.of_tenant(tenant).calendars
        return Mirror(self._resources.database, calendars, tenant, self._resources.clock)

    async def _mirror_changes(self, context: CallbackContext) -> CallbackOutcome:
        """Write to the shared calendar what the agent booked or changed during the call."""
        touched = await self._resources.database.read(
            lambda s: lookup.changed_by_call(s, context.call.id)
        )
        mirror, conflicts = self._mirror(context), 0
        for appointment in touched:
            try:
                await mirror.write(appointment)
            except CalendarConflict:
                conflicts += 1
        if conflicts:
            return follow_up("somebody else changed the appointment in the calendar")
        return done("written")

    async def _nudge(self, entry: CallbackEntry) -> CallbackOutcome:
        workflow_id = str((entry.result or {}).get("workflow_id"))
        if not await wake_campaign(self._resources.temporal, workflow_id):
            raise not_yet("the campaign could not be signalled")
        return done(entry.note or "enrolled", workflow_id=workflow_id)

    async def _appointment(self, context: CallbackContext) -> Appointment | None:
        """The appointment that templates show: this call's, else the person's next one."""
        calendar = context.plan.calendar
        if calendar is None:
            return None
        now, call = self._resources.clock(), context.call

        def work(s: Session) -> Appointment | None:
            touched = lookup.changed_by_call(s, call.id)
            if touched:
                return touched[-1]
            return lookup.next_of_person(
                s, call.tenant, calendar.name, list(context.phones), now, call.recipient_id
            )

        return await self._resources.database.read(work)

    async def _record(self, entry: CallbackEntry, outcome: CallbackOutcome) -> None:
        now = self._resources.clock()
        await self._resources.database.write(
            lambda s: runs.record_callback(
                s, entry, outcome.state, note=outcome.note, result=outcome.result, now=now
            )
        )


def _busy(entry: CallbackEntry) -> CallbackResult:
    return CallbackResult(state=entry.state, busy=True, tries=activity.info().attempt - 1)


def _plan(entry: CallbackEntry) -> CallbackPlan:
    plan = CallbackPlan(position=entry.position, kind=entry.kind, state=entry.state)
    if entry.callback is None:
        return plan
    callback = entry.callback
    update = {"after": callback.after, "undo": callback.undo, "retry": callback.retry}
    return plan.model_copy(update=update)
