"""Uploaded contact files: written as they arrive into temporary folders, which are removed whatever
happens.

Each folder is locked by the process that fills it. A process that is killed leaves its folders
behind, unlocked: the next one that starts, or opens a folder, removes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Self

from outdial.api.bodies import SLOWEST
from outdial.domain.definition.source import CsvSource
from outdial.domain.errors import OutdialError
from outdial.intake.definition import LoadedDefinition
from outdial.intake.problems import DefinitionInvalid

CONTACTS = "contacts.csv"
"""The name of an uploaded file, as problems show it."""
UNDISTURBED = timedelta(minutes=1)
"""How long a file may arrive, however slowly, before it gives way to another upload."""
FAST_ENOUGH = 5 * SLOWEST
"""Bytes a second at which a file gives way to nobody, were it the slowest of all."""
_PREFIX = "outdial-upload-"
_BUFFERED = 1_000_000
"""Bytes that are written at once, in a thread."""
_TRIES = 10


class TooManyUploads(OutdialError):
    """The tenant, or this process, launches as many uploads at once as it may."""

    code = "too_many_uploads"
    retry_after = 10

    @classmethod
    def of(cls, whose: str, most: int) -> TooManyUploads:
        return cls(
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
    """The temporary folders of one process, for as long as it runs. Use as a context manager."""

    def __init__(self, root: Path | None = None, *, at_once: int = 8, per_tenant: int = 2) -> None:
        """`root` instead of the system's folder for temporary files."""
        self._root = root
        self._at_once = at_once
        self._per_tenant = per_tenant
        self._open: list[Upload] = []
        self._waiting: list[Upload] = []
        """Those without a slot, until their first bytes have arrived."""
        self._removals: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.remove_abandoned)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._removals)

    async def open(self, tenant: str, *, arrived: bool = False) -> Upload:
        """A new folder; the caller closes it. `arrived` is whether what is to be staged is here.

        If all slots are taken, a file that arrives slowly gives way, if it had its time: slow
        uploads hold a slot only for as long as nobody else wants it. It does so when the first
        bytes of this one have arrived, not for somebody who sends nothing. Raises TooManyUploads,
        UploadNotStored.
        """
        if sum(one.tenant == tenant for one in self._open + self._waiting) >= self._per_tenant:
            raise TooManyUploads.of("this tenant", self._per_tenant)
        if self._full() and self._slowest() is None:
            raise TooManyUploads.of("this server", self._at_once)
        upload = Upload(self, tenant, *self._new_folder())
        self._waiting.append(upload)
        try:
            if arrived or not self._full():
                self.take_slot(upload)
            await asyncio.to_thread(self.remove_abandoned)
        except BaseException:
            upload.close()
            raise
        return upload

    def take_slot(self, upload: Upload) -> None:
        """Give a slot to an upload that has none yet, another's if need be. Raises
        TooManyUploads."""
        if upload not in self._waiting:
            return
        if self._full():
            slowest = self._slowest()
            if slowest is None:
                raise TooManyUploads.of("this server", self._at_once)
            slowest.give_way()
        self._waiting.remove(upload)
        self._open.append(upload)

    def _full(self) -> bool:
        return len(self._open) >= self._at_once

    def _slowest(self) -> Upload | None:
        """The file that gives way to another one, if any does."""
        now = asyncio.get_running_loop().time()
        arriving = [(one, one.bytes_per_second(now)) for one in self._open]
        slow = [(one, rate) for one, rate in arriving if rate is not None and rate < FAST_ENOUGH]
        return min(slow, key=lambda each: each[1])[0] if slow else None

    def _new_folder(self) -> tuple[Path, int]:
        """A folder and the descriptor of its lock. Another process may take it for abandoned
        before it is locked."""
        try:
            for _ in range(_TRIES):
                folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
                lock = _lock(folder)
                if lock is not None:
                    return folder, lock
        except OSError as error:
            raise UploadNotStored(error) from error
        raise UploadNotStored(OSError(errno.EBUSY, "other processes remove its folder"))

    def free(self, upload: Upload) -> None:
        """Give its slot to others."""
        for uploads in (self._open, self._waiting):
            if upload in uploads:
                uploads.remove(upload)

    def remove(self, folder: Path, lock: int) -> None:
        """Remove a folder in a thread: a large file takes a while."""
        removal = asyncio.get_running_loop().run_in_executor(None, _remove, folder, lock)
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)

    def remove_abandoned(self) -> None:
        """Remove folders whose process has ended."""
        root = Path(tempfile.gettempdir()) if self._root is None else self._root
        for folder in root.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):  # another's folder
                lock = _lock(folder)
                if lock is not None:
                    _remove(folder, lock)


class Upload:
    """A folder for one contact file."""

    def __init__(self, uploads: Uploads, tenant: str, folder: Path, lock: int) -> None:
        self._uploads = uploads
        self._lock = lock
        self._arrival: asyncio.Timeout | None = None
        """While the file arrives."""
        self._begun = 0.0
        self._arrived = 0
        self.tenant = tenant
        self.folder = folder
        self.digest = b""
        """SHA-256 of what was written."""

    async def write(self, content: AsyncIterator[bytes]) -> None:
        """Write the contact file.

        Raises UploadNotStored, TooManyUploads if it gave way or no other did, and what reading the
        content raises.
        """
        digest = hashlib.sha256()
        self._begun = asyncio.get_running_loop().time()
        try:
            with (self.folder / CONTACTS).open("xb") as file:
                async with asyncio.timeout(None) as self._arrival:
                    async for block in self._blocks(content):
                        self._uploads.take_slot(self)
                        await asyncio.to_thread(_append, file, block, digest)
        except TimeoutError as error:
            raise TooManyUploads(
                "the file arrived so slowly that it gave way to others; try again later"
            ) from error
        except OSError as error:
            raise UploadNotStored(error) from error
        finally:
            self._arrival = None
        self._uploads.take_slot(self)
        self.digest = digest.digest()

    async def _blocks(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Fewer and larger pieces."""
        buffer = bytearray()
        async for piece in content:
            self._arrived += len(piece)
            buffer += piece
            if len(buffer) >= _BUFFERED:
                yield bytes(buffer)
                buffer.clear()
        if buffer:
            yield bytes(buffer)

    def bytes_per_second(self, now: float) -> float | None:
        """How fast it arrives, by the event loop's clock; None while it need not give way."""
        passed = now - self._begun
        if self._arrival is None or passed < UNDISTURBED.total_seconds():
            return None
        return self._arrived / (passed or 1)

    def give_way(self) -> None:
        """End its arrival, and free its slot at once."""
        assert self._arrival is not None
        self._arrival.reschedule(self._begun)
        self._arrival = None
        self._uploads.free(self)

    def close(self) -> None:
        """Free its slot, and have the folder removed."""
        if self._lock < 0:
            return
        lock, self._lock = self._lock, -1
        self._uploads.free(self)
        self._uploads.remove(self.folder, lock)


def over_upload(loaded: LoadedDefinition, folder: Path) -> LoadedDefinition:
    """The definition with the uploaded file in place of the one that it names.

    Raises DefinitionInvalid if it lists its recipients.
    """
    source = loaded.definition.recipients
    if not isinstance(source, CsvSource):
        message = "found a list, and a contact file beside it; write recipients: {csv: contacts}"
        problem = loaded.source_map.problem(("recipients",), "wrong_value", message)
        raise DefinitionInvalid([problem])
    uploaded = source.model_copy(update={"csv": CONTACTS})
    definition = loaded.definition.model_copy(update={"recipients": uploaded})
    return replace(loaded, definition=definition, base=folder)


def _lock(folder: Path) -> int | None:
    """Lock a folder until the descriptor is closed; None while another process has it, or if it
    was removed before it was locked. Raises OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, flags)
        with contextlib.ExitStack() as unless_locked:
            unless_locked.callback(os.close, descriptor)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), folder.lstat()):
                    unless_locked.pop_all()
                    return descriptor
    return None


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _append(file: BinaryIO, block: bytes, digest: hashlib._Hash) -> None:
    file.write(block)
    digest.update(block)
