"""Submitted forms: read after their sender is known, and refused unless one of our pages made them.

Each form carries a token that is signed with what only the browser's cookie holds: the session, or
before a sign-in a random value. Another site can have a browser send a form, but not with a token.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from itsdangerous import Signer
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from outdial.api.bodies import MAX_BODY, allow_size
from outdial.console.viewer import Viewer, viewer_of

TOKEN_FIELD = "form_token"
_MOST_FIELDS = 50
_MOST_FILES = 2


@dataclass(frozen=True)
class Submission:
    """A form that was checked, and who sent it."""

    viewer: Viewer
    form: FormData

    def text(self, name: str) -> str | None:
        """A field without surrounding spaces; None if it is empty or missing."""
        value = self.form.get(name)
        return (value.strip() or None) if isinstance(value, str) else None

    def checked(self, name: str) -> bool:
        return name in self.form

    def file(self, name: str) -> UploadFile | None:
        """A file that was chosen; None if none was."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None


@dataclass(frozen=True, eq=False)
class _Submits:
    scope: str
    most: int

    async def __call__(self, request: Request) -> AsyncIterator[Submission]:
        viewer = await viewer_of(request, self.scope)
        form = await read_form(request, viewer.token, self.most)
        try:
            yield Submission(viewer, form)
        finally:
            await form.close()


def submits(scope: str, most: int = MAX_BODY) -> Any:
    """A dependency: the submitted form of up to `most` bytes, sent by a viewer with this scope."""
    return Depends(_Submits(scope, most))


async def read_form(request: Request, secret: str, most: int = MAX_BODY) -> FormData:
    """Raises HTTPException for a form that none of our pages made for this browser."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "the form was sent by another site")
    allow_size(request.scope, most)
    _require_utf8(request)
    form = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=most)
    token = form.get(TOKEN_FIELD)
    if not isinstance(token, str) or not hmac.compare_digest(
        token.encode(), form_token(secret).encode()
    ):
        await form.close()
        raise HTTPException(
            403,
            "the form was made under another sign-in; open the page again and send it there",
        )
    return form


def _require_utf8(request: Request) -> None:
    """Starlette decodes fields by whatever codec the Content-Type names, and some of Python's take
    minutes for a megabyte. Raises HTTPException for all but UTF-8, which browsers send."""
    options = parse_options_header(request.headers.get("content-type"))[1]
    if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise HTTPException(400, "the form's charset is not UTF-8; send it as UTF-8")


def form_token(secret: str) -> str:
    """What the forms of a session carry."""
    return Signer(secret, salt="console form").get_signature("form").decode()
