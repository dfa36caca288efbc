"""The callback `email`: one message over SMTP, with an invitation if it asks for one."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from activities.callbacks.context import template_context
from activities.callbacks.outcome import CallbackOutcome, done, not_yet, refused
from outdial.calendars.invitation import invitation
from outdial.domain.appointment.appointment import Appointment
from outdial.domain.call.callback_run import CallbackContext
from outdial.intake.templates.callbacks import RenderFailed, render_text
from outdial.resources.integrations import Integrations
from outdial.resources.outgoing.mail import Letter, MailNotSent, MailRefused, send


async def send_email(
    integrations: Integrations,
    context: CallbackContext,
    appointment: Appointment | None,
    timeout: timedelta,
    now: datetime,
) -> CallbackOutcome:
    """The Message-ID is the same for every try, so that the receiver can drop repetitions."""
    if integrations.mail is None:
        raise refused("found do: email, but the settings have no [mail]; write one")
    callback = context.entry.callback
    assert callback is not None
    names = template_context(context, appointment)
    try:
        letter = Letter(
            to=render_text(callback.to or "", names),
            subject=render_text(callback.subject or "", names),
            text=render_text(str(callback.body or ""), names),
            message_id=_message_id(context.entry.key, integrations.mail.sender),
            sent_at=now,
            invitation=_invitation(callback.invitation, appointment, now),
        )
        await send(integrations.mail, letter, timeout)
    except RenderFailed as error:
        raise refused(f"a template failed: {error}") from None
    except MailRefused as error:
        raise refused(str(error)) from None
    except MailNotSent as error:
        raise not_yet(str(error)) from None
    return done("sent")


def _invitation(requested: bool, appointment: Appointment | None, now: datetime) -> bytes | None:
    if not requested:
        return None
    if appointment is None:
        raise refused("found invitation: true, but this person has no appointment")
    return invitation(appointment, now)


def _message_id(key: str, sender: str) -> str:
    domain = sender.rpartition("@")[2].strip("<> ") or "outdial.invalid"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
