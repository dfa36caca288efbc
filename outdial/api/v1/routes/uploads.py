"""Contact files by upload: multipart/form-data to /v1/campaigns and to a change of one, text/csv to
its recipients.

They share their paths with the routes that take JSON (`campaigns`, `revisions`, `results`), which
describe them in the OpenAPI document: the media type of a request decides which one takes it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from outdial.api import multipart
from outdial.api.admission import AdmittedRoute, BodyInvalid
from outdial.api.bodies import MAX_BODY, allow_size
from outdial.api.multipart import MultipartReader, PartHead, boundary_of
from outdial.api.state import state_of
from outdial.api.uploads import CONTACTS, Upload, over_upload
from outdial.api.v1.answers import IdempotencyKey, IfMatch, identify, shown, version_of
from outdial.api.v1.auth import needs
from outdial.api.v1.routes.campaigns import Name, PlanId, launch
from outdial.api.v1.routes.launches import accept
from outdial.api.v1.routes.results import AddedRecipients
from outdial.api.v1.routes.revisions import Change, Reason, Recipients
from outdial.intake.apart import parse_apart
from outdial.intake.definition import read_definition_text
from outdial.services.accounts.access import Caller
from outdial.services.accounts.once import Answer
from outdial.services.campaigns.adding import add_file
from outdial.services.campaigns.roster_mode import RosterMode
from outdial.services.campaigns.staging import Progress

CSV = "text/csv"
DEFINITION = "definition"
_PARTS = (DEFINITION, "contacts")


class _UploadRoute(AdmittedRoute):
    """Takes requests with one media type, and leaves others to the next route of its path."""

    media_type: str

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        given = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        return super().matches(scope) if given == self.media_type else (Match.NONE, {})


class FormRoute(_UploadRoute):
    media_type = multipart.MEDIA_TYPE


class CsvRoute(_UploadRoute):
    media_type = CSV


forms = APIRouter(prefix="/campaigns", route_class=FormRoute, include_in_schema=False)
files = APIRouter(prefix="/campaigns", route_class=CsvRoute, include_in_schema=False)


@forms.post("")
async def launch_campaign(
    request: Request,
    idempotency_key: IdempotencyKey = None,
    again: Annotated[bool, Query()] = False,
    plan: PlanId = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Launch a definition over a contact file: the parts `definition` and `contacts` of a form."""
    async with _upload(request, caller) as upload:
        text = await _read_form(request, upload)
        loaded = await parse_apart(len(text), read_definition_text, text, name=DEFINITION)
        over_file = over_upload(loaded, upload.folder)
        stored = identify(request, caller, idempotency_key, text.encode() + upload.digest)

        async def work(public_id: str | None, progress: Progress) -> Answer:
            return await launch(
                caller,
                over_file,
                again=again,
                plan=plan,
                progress=progress,
                public_id=public_id,
            )

    return await accept(request, caller, stored, work, upload.close)


@forms.post("/{name}/apply")
async def apply_definition(
    name: Name,
    request: Request,
    recipients: Recipients = RosterMode.ADD,
    reason: Reason = None,
    plan: PlanId = None,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Make a campaign match a definition over a contact file, as it is launched from a form."""
    change = Change(name, recipients, reason, version_of(if_match), plan)
    async with _upload(request, caller) as upload:
        text = await _read_form(request, upload)
        loaded = await parse_apart(len(text), read_definition_text, text, name=DEFINITION)
        over_file = over_upload(loaded, upload.folder)
        stored = identify(request, caller, idempotency_key, text.encode() + upload.digest)

        async def work(public_id: str | None, progress: Progress) -> Answer:
            return await change.apply(caller, over_file, progress=progress, public_id=public_id)

    return await accept(request, caller, stored, work, upload.close)


@files.post("/{name}/recipients")
async def add_recipients(
    name: Name,
    request: Request,
    idempotency_key: IdempotencyKey = None,
    caller: Caller = needs("campaigns:write"),
) -> Response:
    """Add the rows of a contact file, with columns as the campaign's definition names them."""
    async with _upload(request, caller) as upload:
        await upload.write(request.stream())
        stored = identify(request, caller, idempotency_key, upload.digest)

        async def work(public_id: str | None, progress: Progress) -> Answer:
            added, changed = await add_file(
                caller.ctx,
                name,
                CONTACTS,
                upload.folder,
                scopes=caller.key.scopes,
                progress=progress,
                public_id=public_id,
            )
            return shown(AddedRecipients(added=added, state=changed.state), 202)

    return await accept(request, caller, stored, work, upload.close)


@asynccontextmanager
async def _upload(request: Request, caller: Caller) -> AsyncIterator[Upload]:
    """A folder for the request's file, removed on an error here; after that, `accept` owns it."""
    state = state_of(request)
    allow_size(request.scope, state.policy.upload_bytes)
    upload = await state.uploads.open(caller.ctx.tenant)
    try:
        yield upload
    except BaseException:
        upload.close()
        raise


async def _read_form(request: Request, upload: Upload) -> str:
    """Store the contacts of a form; its definition. Raises BodyInvalid, UploadNotStored, and
    TooManyUploads if it gave way to another."""
    form = _Form(MultipartReader(boundary_of(request.headers["content-type"])), request.stream())
    await upload.write(form.contacts())
    missing = [name for name in _PARTS if name not in form.parts]
    if missing:
        raise BodyInvalid(missing[0], f"found no part {missing[0]!r} in the form; send {_WANTED}")
    try:
        return form.definition.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = "found bytes that are not UTF-8; send it as UTF-8"
        raise BodyInvalid(DEFINITION, message) from None


_WANTED = f"{DEFINITION!r} (the campaign file) and 'contacts' (the CSV file)"


class _Form:
    """A form that is being read: its definition is kept, its contacts are handed on."""

    def __init__(self, reader: MultipartReader, body: AsyncIterator[bytes]) -> None:
        self._reader = reader
        self._body = body
        self.parts: list[str] = []
        self.definition = bytearray()

    async def contacts(self) -> AsyncIterator[bytes]:
        """Raises BodyInvalid."""
        async for data in self._body:
            for event in self._reader.feed(data):
                if isinstance(event, PartHead):
                    self._begin(event.name)
                elif self.parts[-1] != DEFINITION:
                    yield event
                else:
                    self.definition += event
                    self._require_short()
        if not self._reader.complete:
            raise BodyInvalid("body", "found the beginning of a form without its end")

    def _begin(self, name: str) -> None:
        if name not in _PARTS or name in self.parts:
            raise BodyInvalid(name, f"found a part too many; send {_WANTED}, once each")
        self.parts.append(name)

    def _require_short(self) -> None:
        if len(self.definition) > MAX_BODY:
            message = f"found more than {MAX_BODY} bytes; send recipients in the contact file"
            raise BodyInvalid(DEFINITION, message)
