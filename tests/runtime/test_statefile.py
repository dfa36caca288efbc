"""One owner of a state directory, and what others can learn from it."""

from __future__ import annotations

import socket
import stat
import threading
from pathlib import Path

import pytest

from outdial.runtime.stack import statefile
from outdial.runtime.stack.addresses import running_stack
from outdial.runtime.stack.statefile import (
    Endpoints,
    StackRunning,
    StackState,
    choose_endpoints,
    is_owned,
    owned,
    read_state,
    write_state,
)


def state(*, ready: bool = True) -> StackState:
    return StackState(
        pid=1,
        ready=ready,
        endpoints=Endpoints(temporal_port=1, ui_port=2, api_port=3, network_port=4),
        api_key="key",
        webhook_secret="secret",
    )


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    assert not is_owned(tmp_path / "new")
    with owned(tmp_path / "new"):
        assert is_owned(tmp_path / "new")
        with pytest.raises(StackRunning, match="another process"), owned(tmp_path / "new"):
            pytest.fail("two owners")
    assert not is_owned(tmp_path / "new")
    with owned(tmp_path / "new"):
        pass


def test_a_stack_runs_while_it_is_owned_and_ready(tmp_path: Path) -> None:
    write_state(tmp_path, state())
    assert running_stack(tmp_path) is None, "whoever wrote it is gone"
    with owned(tmp_path):
        assert running_stack(tmp_path) == state()
        write_state(tmp_path, state(ready=False))
        assert running_stack(tmp_path) is None, "it is starting or stopping"


def test_keys_are_for_the_owner_alone(tmp_path: Path) -> None:
    write_state(tmp_path, state())
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_a_damaged_file_is_no_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{", encoding="utf-8")
    assert read_state(tmp_path) is None


def test_ports_are_kept_where_they_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statefile, "_PORT_PATIENCE_SECONDS", 0.2)
    first = choose_endpoints(None)
    assert len(set(first.model_dump().values())) == 4
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.api_port))
        taken.listen()
        second = choose_endpoints(first)
    assert second.temporal_port == first.temporal_port
    assert second.api_port != first.api_port


def test_no_outgoing_connection_is_given_a_port_of_ours() -> None:
    lowest = Path("/proc/sys/net/ipv4/ip_local_port_range")
    below = int(lowest.read_text().split()[0]) if lowest.exists() else 49_152
    assert max(choose_endpoints(None).model_dump().values()) < below


def test_ports_of_a_stack_that_is_still_dying_are_waited_for() -> None:
    """Its process is gone, but a thread of it holds the socket for a moment longer."""
    first = choose_endpoints(None)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", first.temporal_port))
        listener.listen()
        closing = threading.Timer(0.3, listener.close)
        closing.start()
        try:
            assert choose_endpoints(first) == first
        finally:
            closing.join()
