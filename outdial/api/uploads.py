"""Uploaded contact files: written as they arrive into temporary folders, which are removed whatever
happens.

Each folder is locked by the process that fills it. A process that is killed leaves its folders
behind, unlocked: the next one that opens a folder removes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from outdial.domain.errors import OutdialError

CONTACTS = "contacts.csv"
"""The name of an uploaded file, as problems show it."""
_PREFIX = "outdial-upload-"
_BUFFERED = 1_000_000
"""Bytes that are written at once, in a thread."""


class TooManyUploads(OutdialError):
    """The tenant, or this process, launches as many uploads at once as it may."""

    code = "too_many_uploads"
    retry_after = 10

    def __init__(self, most: int, whose: str) -> None:
        super().__init__(
            f"{whose} already has {most} large launches under way, which is the most at once; "
            "try again when one of them is done"
        )


class UploadNotStored(OutdialError):
    """The temporary folder can't take it."""

    code = "upload_not_stored"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"the file could not be stored here: {error.strerror}; nothing was changed"
        )


class Uploads:
    """The temporary folders of one process."""

    def __init__(self, root: Path | None = None, *, at_once: int = 8, per_tenant: int = 2) -> None:
        """`root` instead of the system's folder for temporary files."""
        self._root = root
        self._at_once = at_once
        self._per_tenant = per_tenant
        self._open = Counter[str]()

    def open(self, tenant: str) -> Upload:
        """A new folder; the caller closes it. Raises TooManyUploads, UploadNotStored."""
        if self._open[tenant] >= self._per_tenant:
            raise TooManyUploads(self._per_tenant, "this organisation")
        if self._open.total() >= self._at_once:
            raise TooManyUploads(self._at_once, "this server")
        self.remove_abandoned()
        upload = Upload(self, tenant, *self._new_folder())
        self._open[tenant] += 1
        return upload

    def _new_folder(self) -> tuple[Path, int]:
        """A folder and the descriptor of its lock. Another process may take it for abandoned
        before it is locked."""
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
            with contextlib.suppress(FileNotFoundError, BlockingIOError):
                return folder, _lock(folder)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
            return folder, _lock(folder)
        except OSError as error:
            raise UploadNotStored(error) from error

    def closed(self, tenant: str) -> None:
        self._open[tenant] -= 1

    def remove_abandoned(self) -> None:
        """Remove folders whose process has ended."""
        root = Path(tempfile.gettempdir()) if self._root is None else self._root
        for folder in root.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):  # another's folder, or one that is in use
                lock = _lock(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


class Upload:
    """A folder for one contact file."""

    def __init__(self, uploads: Uploads, tenant: str, folder: Path, lock: int) -> None:
        self._uploads = uploads
        self._tenant = tenant
        self._lock = lock
        self.folder = folder
        self.digest = b""
        """SHA-256 of what was written."""
        self.size = 0

    async def write(self, content: AsyncIterator[bytes]) -> None:
        """Write the contact file. Raises UploadNotStored, and what reading the content raises."""
        digest = hashlib.sha256()
        try:
            with (self.folder / CONTACTS).open("xb") as file:
                async for block in _blocks(content):
                    await asyncio.to_thread(_append, file, block, digest)
                    self.size += len(block)
        except OSError as error:
            raise UploadNotStored(error) from error
        self.digest = digest.digest()

    def close(self) -> None:
        """Remove the folder."""
        if self._lock < 0:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1
        self._uploads.closed(self._tenant)


def _lock(folder: Path) -> int:
    """Lock a folder until the descriptor is closed; OSError while another process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


async def _blocks(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Fewer and larger pieces."""
    buffer = bytearray()
    async for piece in content:
        buffer += piece
        if len(buffer) >= _BUFFERED:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


def _append(file: BinaryIO, block: bytes, digest: hashlib._Hash) -> None:
    file.write(block)
    digest.update(block)
