"""Campaign files that are sent with a form, and kept in the pages until they are confirmed.

Nothing is stored between a plan and its confirmation: the page holds the files, signed.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

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
_HEAD = struct.Struct(">I?")
"""Of sealed files: how long the definition is, and whether contacts follow it."""
_MOST_CONTENT = _HEAD.size + MOST


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
    files = CampaignFiles(
        text.replace("\r\n", "\n"), None if contacts is None else await contacts.read()
    )
    if len(_content(files)) > _MOST_CONTENT:
        raise RequestRefused(f"the files are larger than {MOST:,} bytes together")
    return files


async def sealed(viewer: Viewer, files: CampaignFiles) -> str:
    """The files as the value of a field, compressed and signed."""
    return await asyncio.to_thread(_seal, viewer, files)


async def unsealed(submission: Submission) -> CampaignFiles:
    """The files of a page that was confirmed. Raises RequestRefused."""
    try:
        return await asyncio.to_thread(_unseal, submission.viewer, submission.text("files") or "")
    except (BadData, zlib.error, struct.error, ValueError):
        raise RequestRefused(
            "the plan was made under another sign-in, or was changed; make it again"
        ) from None


def _seal(viewer: Viewer, files: CampaignFiles) -> str:
    return _signer(viewer).sign(base64_encode(zlib.compress(_content(files)))).decode()


def _unseal(viewer: Viewer, field: str) -> CampaignFiles:
    """A browser knows the token it holds, so what is signed with it need not be ours: it is read
    within bounds. Raises BadData, zlib.error, struct.error, ValueError."""
    inflating = zlib.decompressobj()
    packed = base64_decode(_signer(viewer).unsign(field))
    content = inflating.decompress(packed, _MOST_CONTENT + 1)
    if len(content) > _MOST_CONTENT or not inflating.eof:
        raise ValueError("the files are too large, or cut off")
    length, with_contacts = _HEAD.unpack_from(content)
    definition, contacts = content[_HEAD.size :][:length], content[_HEAD.size + length :]
    if len(definition) < length or (contacts and not with_contacts):
        raise ValueError("the files are not of this form")
    return CampaignFiles(definition.decode(), contacts if with_contacts else None)


def _content(files: CampaignFiles) -> bytes:
    definition = files.definition.encode()
    head = _HEAD.pack(len(definition), files.contacts is not None)
    return head + definition + (files.contacts or b"")


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


def _signer(viewer: Viewer) -> Signer:
    return Signer(viewer.token, salt="console files")
