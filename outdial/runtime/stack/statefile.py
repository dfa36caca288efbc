"""The state directory of an embedded stack: who owns it, and where its parts listen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from outdial.domain.errors import OutdialError

_LOCK = "lock"
_STATE = "stack.json"
_LOCK_PATIENCE_SECONDS = 1.0
"""`is_owned` holds the lock for an instant."""
_OURS = (
    _LOCK, _STATE, f"{_STATE}.[0-9]*", "outdial.db*", "temporal.db*", "logs/*.log", "logs/*.log.1",
)  # fmt: skip
"""What a stack writes into its directory."""
_PORTS = range(16_384, 32_768)
"""Below those that systems hand out to outgoing connections (RFC 6335: 49152 and up; Linux: 32768
and up): one of them would be taken, now and then, by the time the stack starts again."""
_TRIES = 20
_PORT_PATIENCE_SECONDS = 3.0
"""A killed part releases its port with the last of its threads, which on a busy machine is a while
after its process is gone."""


class StackRunning(OutdialError):
    """Another process runs a stack in this directory."""

    code = "stack_running"


class Endpoints(BaseModel):
    """Where the parts listen, on this machine only."""

    model_config = ConfigDict(frozen=True)

    temporal_port: int
    ui_port: int
    api_port: int
    network_port: int

    @property
    def temporal(self) -> str:
        return f"127.0.0.1:{self.temporal_port}"

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def network(self) -> str:
        return f"http://127.0.0.1:{self.network_port}"


class StackState(BaseModel):
    """What other commands need to know of a running stack."""

    model_config = ConfigDict(frozen=True)

    pid: int
    """Of the process that supervises it."""
    ready: bool
    endpoints: Endpoints
    api_key: str
    webhook_secret: str


@contextlib.contextmanager
def owned(state_dir: Path) -> Iterator[None]:
    """Hold the directory's lock; the kernel releases it when this process dies.

    Raises StackRunning when another process holds it.
    """
    make_private(state_dir)
    # Never a marker file in its place: that outlives its owner, and is no lock for `is_owned`.
    from filelock import FileLock, Timeout  # only a stack of its own needs it, not each command

    lock = FileLock(state_dir / _LOCK, mode=0o600, poll_interval=0.02, fallback_to_soft=False)
    try:
        lock.acquire(timeout=_LOCK_PATIENCE_SECONDS)
    except Timeout:
        raise StackRunning(f"another process runs a stack in {state_dir}") from None
    try:
        yield
    finally:
        lock.release()


def make_private(state_dir: Path) -> None:
    """Keys, numbers and histories in it are for their owner alone.

    The directory itself is closed if it is made here, or holds nothing but what a stack writes.
    In any other, such as a home, only the files of a stack are; files of other users stay.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = [path for pattern in _OURS for path in state_dir.glob(pattern)]
    logs = state_dir / "logs"
    if set(state_dir.iterdir()) <= {*ours, logs}:
        _close(state_dir, 0o700)
    if logs.is_dir() and not logs.is_symlink() and set(logs.iterdir()) <= set(ours):
        _close(logs, 0o700)
    for path in ours:
        if path.is_file() and not path.is_symlink():
            _close(path, 0o600)


def _close(path: Path, mode: int) -> None:
    # Another process may be replacing it, and another user may own it.
    with contextlib.suppress(FileNotFoundError, PermissionError):
        path.chmod(mode)


def private_file(path: Path) -> None:
    """A file that only its owner reads; SQLite gives its own files beside it the same mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def state_file(state_dir: Path) -> Path:
    """Where a stack writes its state, keys included."""
    return state_dir / _STATE


def is_owned(state_dir: Path) -> bool:
    """Whether some process runs a stack in this directory.

    Asks for a shared lock, which FileLock does not offer: an exclusive one would make two
    processes that ask at the same moment take each other for the owner.
    """
    try:
        descriptor = os.open(state_dir / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_state(state_dir: Path) -> StackState | None:
    """What the last stack wrote, running or not; None when there is none or it is damaged."""
    try:
        return StackState.model_validate_json((state_dir / _STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def write_state(state_dir: Path, state: StackState) -> None:
    """Replace it whole; readable by its owner only, for it holds keys."""
    draft = state_dir / f"{_STATE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=2))
    draft.replace(state_dir / _STATE)


def choose_endpoints(last: Endpoints | None) -> Endpoints:
    """The ports of last time where they are free, so that bookmarks keep working."""
    names = list(Endpoints.model_fields)
    last_ports = [getattr(last, name) if last else 0 for name in names]
    give_up = time.monotonic() + _PORT_PATIENCE_SECONDS
    with contextlib.ExitStack() as held:
        ports = [_last_port(port, held, give_up) or _free_port(held) for port in last_ports]
    return Endpoints(**dict(zip(names, ports, strict=True)))


def _last_port(port: int, held: contextlib.ExitStack, give_up: float) -> int | None:
    """The port of last time, once it is free; None when it stays taken."""
    while port:
        if _bind(port, held) is not None:
            return port
        if time.monotonic() >= give_up:
            return None
        time.sleep(0.05)
    return None


def _free_port(held: contextlib.ExitStack) -> int:
    for port in [*(secrets.choice(_PORTS) for _ in range(_TRIES)), 0]:
        bound = _bind(port, held)
        if bound is not None:
            return bound
    raise OSError("no free port on 127.0.0.1")


def _bind(port: int, held: contextlib.ExitStack) -> int | None:
    listener = held.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.suppress(OSError):
        listener.bind(("127.0.0.1", port))
        return int(listener.getsockname()[1])
    return None
