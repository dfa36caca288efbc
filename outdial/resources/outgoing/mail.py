"""Letters over SMTP."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from outdial.domain.errors import OutdialError


class MailSecurity(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    sender: str
    security: MailSecurity = MailSecurity.STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    recipients: tuple[str, ...] = ()
    """In lower case: addresses, or domains with @ in front. Without any: anybody."""
    ca_file: str | None = None
    """Certificates of authorities that are trusted besides the public ones."""

    def may_write_to(self, address: Address) -> bool:
        domain = f"@{address.domain.lower()}"
        return not self.recipients or bool(
            {domain, f"{address.username.lower()}{domain}"} & set(self.recipients)
        )


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    text: str
    message_id: str
    """The same when the message is sent again, so that a mailbox can recognize it."""
    sent_at: datetime
    invitation: bytes | None = None
    """An .ics file."""


class MailRefused(OutdialError):
    """It will not be taken, now or later."""

    code = "mail_refused"


class MailNotSent(OutdialError):
    """It may be taken the next time."""

    code = "mail_not_sent"


async def send(server: MailServer, letter: Letter, timeout: timedelta) -> None:
    """Raises MailRefused, MailNotSent."""
    message = compose(server, letter)
    try:
        await asyncio.to_thread(_deliver, server, message, timeout.total_seconds())
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            raise MailRefused(f"the address was refused: {codes[0]}") from None
        raise MailNotSent(f"the address was not taken: {codes[0]}") from None
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise MailRefused(f"the mail server answered {error.smtp_code}") from None
        raise MailNotSent(f"the mail server answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(f"the mail server cannot be used: {type(error).__name__}") from None


def compose(server: MailServer, letter: Letter) -> EmailMessage:
    """Raises MailRefused for an address, or a subject, that no letter can have."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = server.sender
        address = Address(addr_spec=letter.to.strip())
        message["To"] = str(address)
        message["Subject"] = letter.subject
    except (ValueError, HeaderParseError, IndexError):
        raise MailRefused("found no single mail address, or a subject of several lines") from None
    if not server.may_write_to(address):
        raise MailRefused("the address is none of those that mail.recipients in the settings names")
    message["Message-ID"] = letter.message_id
    message["Date"] = letter.sent_at
    message.set_content(letter.text)
    if letter.invitation is not None:
        message.add_attachment(
            letter.invitation, maintype="text", subtype="calendar", filename="appointment.ics"
        )
    return message


def _deliver(server: MailServer, message: EmailMessage, timeout: float) -> None:
    context = ssl.create_default_context()
    if server.ca_file is not None:
        context.load_verify_locations(server.ca_file)
    if server.security is MailSecurity.TLS:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=timeout, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=timeout)
    with connection:
        if server.security is MailSecurity.STARTTLS:
            connection.starttls(context=context)
        if server.username is not None:
            connection.login(server.username, server.password or "")
        connection.send_message(message)
