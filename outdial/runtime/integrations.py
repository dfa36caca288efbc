"""Calendars, mail and the secrets of callbacks, as the settings describe them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.port import CalendarBackend, Calendars
from outdial.resources.integrations import Integrations, Secret
from outdial.resources.outgoing.mail import MailServer
from outdial.runtime.clock import system_clock
from outdial.runtime.lines import resolve_reference
from outdial.runtime.settings.file import SettingsInvalid
from outdial.runtime.settings.integrations import MailSettings
from outdial.runtime.settings.settings import Settings


def build_integrations(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> Integrations:
    """Raises SettingsInvalid when a secret can't be found."""
    variables = settings.variables if environ is None else environ
    problems: list[str] = []

    def secret(where: str, reference: str | None) -> str | None:
        if reference is None:
            return None
        return resolve_reference(where, reference, variables, problems)

    def token(where: str, reference: str | None) -> Callable[[], str] | None:
        """Resolved once, so that a missing one is reported at the start; files are read again
        for each request."""
        if secret(where, reference) is None:
            return None
        return lambda: secret_now(where, str(reference), variables)

    egress = settings.outgoing.egress()
    shared: dict[str, CalendarBackend] = {
        name: CalDavCalendar(
            calendar.url,
            username=calendar.username,
            password=secret(f"calendars.{name}.password", calendar.password),
            token=token(f"calendars.{name}.token", calendar.token),
            zone=calendar.time_zone,
            timeout=calendar.request_timeout,
            clock=system_clock,
            egress=egress,
        )
        for name, calendar in settings.calendars.items()
    }
    tokens = {
        name: secret(f"callbacks.secrets.{name}.token", setting.token)
        for name, setting in settings.callbacks.secrets.items()
    }
    server = _mail(settings.mail, secret, egress.ca_file)
    if problems:
        raise SettingsInvalid(problems)
    return Integrations(
        calendars=Calendars(shared, tenant=settings.tenant),
        mail=server,
        allow_hosts=frozenset(settings.callbacks.allow_hosts),
        secrets={
            name: Secret(token, frozenset(settings.callbacks.secrets[name].hosts))
            for name, token in tokens.items()
            if token is not None
        },
        tenant=settings.tenant,
        egress=egress,
    )


def secret_now(where: str, reference: str, variables: Mapping[str, str]) -> str:
    """A secret as it is at this moment. Raises ValueError when it is gone."""
    problems: list[str] = []
    value = resolve_reference(where, reference, variables, problems)
    if value is None:
        raise ValueError(problems[0])
    return value


def _mail(
    mail: MailSettings | None,
    secret: Callable[[str, str | None], str | None],
    ca_file: str | None,
) -> MailServer | None:
    if mail is None:
        return None
    return MailServer(
        host=mail.host,
        port=mail.port,
        sender=mail.sender,
        security=mail.security,
        username=mail.username,
        password=secret("mail.password", mail.password),
        recipients=mail.recipients,
        ca_file=ca_file,
    )
