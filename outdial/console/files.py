"""Campaign files that are sent with a form, and kept in the pages until they are confirmed.

Nothing is stored between a plan and its confirmation: the page holds the files, signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from outdial.api.state import ApiState
from outdial.api.uploads import over_upload
from outdial.console.forms import Submission
from outdial.console.viewer import Viewer
from outdial.intake.apart import parse_apart
from outdial.intake.definition import LoadedDefinition, read_definition_text
from outdial.services.errors import RequestRefused

MOST = 5_000_000
"""Bytes of a form: about 80,000 contacts. The command line and the API take any number."""
MOST_SEALED = 2 * MOST
"""Bytes of the form that holds them sealed: what can't be compressed gets a third longer."""


@dataclass(frozen=True)
class CampaignFiles:
    """A definition, and its contact file if it has one."""

    definition: str
    contacts: bytes | None


@dataclass(frozen=True)
class OpenedFiles:
    """A definition that can be read with its contacts, until it is closed."""

    loaded: LoadedDefinition
    close: Callable[[], None]


async def submitted_files(submission: Submission) -> CampaignFiles:
    """The files of a form: a definition, as a file or a text, and contacts. Raises
    RequestRefused."""
    file, text = submission.file("definition"), submission.form.get("text")
    if file is not None:
        try:
            text = (await file.read()).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise RequestRefused(
                "the campaign file has bytes that are not UTF-8; save it as UTF-8"
            ) from None
    if not isinstance(text, str) or not text.strip():
        raise RequestRefused("choose a campaign file, or write its text")
    contacts = submission.file("contacts")
    # Browsers send the lines of a text with CR and LF.
    return CampaignFiles(
        text.replace("\r\n", "\n"), None if contacts is None else await contacts.read()
    )


async def sealed(viewer: Viewer, files: CampaignFiles) -> str:
    """The files as the value of a field, compressed and signed."""
    contacts = None if files.contacts is None else files.contacts.decode("latin-1")
    return str(await asyncio.to_thread(_serializer(viewer).dumps, [files.definition, contacts]))


async def unsealed(submission: Submission) -> CampaignFiles:
    """The files of a page that was confirmed. Raises RequestRefused."""
    try:
        definition, contacts = await asyncio.to_thread(
            _serializer(submission.viewer).loads, submission.text("files") or ""
        )
    except BadData:
        raise RequestRefused("the plan is not one of this session; make it again") from None
    return CampaignFiles(definition, None if contacts is None else contacts.encode("latin-1"))


async def open_files(state: ApiState, tenant: str, files: CampaignFiles) -> OpenedFiles:
    """Have the contacts in a folder of their own. Raises DefinitionInvalid, TooManyUploads,
    UploadNotStored."""
    text = files.definition
    loaded = await parse_apart(len(text), read_definition_text, text, name="definition")
    contacts = files.contacts
    if contacts is None:
        return OpenedFiles(loaded, lambda: None)
    upload = await state.uploads.open(tenant, arrived=True)
    try:
        await upload.write(_whole(contacts))
        return OpenedFiles(over_upload(loaded, upload.folder), upload.close)
    except BaseException:
        upload.close()
        raise


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _serializer(viewer: Viewer) -> URLSafeSerializer:
    return URLSafeSerializer(viewer.token, salt="console files")
