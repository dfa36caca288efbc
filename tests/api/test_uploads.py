"""Temporary folders of uploaded files: who has one, for how long, and that it goes in the end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outdial.api.uploads import CONTACTS, TooManyUploads, Upload, Uploads
from tests.waiting import until

_KILLED = """
import asyncio, os, sys, pathlib
from outdial.api.uploads import Uploads

async def main():
    await Uploads(pathlib.Path(sys.argv[1])).open("t")
    print("open", flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def arriving(size: int, going_on: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    yield b"x" * size
    if going_on is not None:
        await going_on.wait()


def test_folders_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    """By the next that starts, or that opens one. Those of processes that live are not."""
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        asyncio.run(_start(tmp_path))
        asyncio.run(_open(tmp_path))
        (folder,) = tmp_path.iterdir()
        process.stdin.close()
        process.wait()
    shutil.copytree(folder, tmp_path / f"{folder.name}-too")
    asyncio.run(_open(tmp_path))
    assert os.listdir(tmp_path) == []
    folder.mkdir()
    asyncio.run(_start(tmp_path))
    assert os.listdir(tmp_path) == []


async def _start(folder: Path) -> None:
    async with Uploads(folder):
        pass


async def _open(folder: Path) -> None:
    uploads = Uploads(folder)
    (await uploads.open("t")).close()
    await uploads.__aexit__()


async def test_a_folder_that_was_removed_before_it_was_locked_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may take it for abandoned."""
    lock, removed = fcntl.flock, list[int]()

    def late(descriptor: int, how: int) -> None:
        if len(removed) < 3:
            removed.append(descriptor)
            for folder in tmp_path.iterdir():
                shutil.rmtree(folder)
        lock(descriptor, how)

    async with Uploads(tmp_path) as uploads:
        monkeypatch.setattr(fcntl, "flock", late)
        upload = await uploads.open("t")
        monkeypatch.undo()
        await upload.write(arriving(10))
        assert (upload.folder / CONTACTS).read_bytes() == b"x" * 10
        upload.close()
    assert len(removed) == 3


async def test_folders_are_removed_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file takes a while, in which the event loop goes on."""
    remove, threads = shutil.rmtree, list[threading.Thread]()

    def noted(*how: Any, **more: Any) -> None:
        threads.append(threading.current_thread())
        remove(*how, **more)

    monkeypatch.setattr(shutil, "rmtree", noted)
    (tmp_path / "outdial-upload-left").mkdir()
    async with Uploads(tmp_path) as uploads:
        upload = await uploads.open("t")
        upload.close()
        upload.close()
        await until(lambda: _is_empty(tmp_path))
        assert len(threads) == 2
        (await uploads.open("t")).close()
    assert await _is_empty(tmp_path)
    assert threading.main_thread() not in threads


async def _is_empty(folder: Path) -> bool:
    return not os.listdir(folder)


async def _begin(uploads: Uploads, tenant: str, size: int, going_on: asyncio.Event) -> Any:
    """An upload that arrives, and the task that writes it."""
    upload = await uploads.open(tenant)
    task = asyncio.create_task(upload.write(arriving(size, going_on)))
    await until(lambda: _arrived(upload, size))
    return upload, task


async def _arrived(upload: Upload, size: int) -> bool:
    return upload._arrived == size


@pytest.fixture
def all_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file has had its time, and arrives slowly."""
    monkeypatch.setattr("outdial.api.uploads.UNDISTURBED", timedelta(0))
    monkeypatch.setattr("outdial.api.uploads.FAST_ENOUGH", float("inf"))


@pytest.mark.usefixtures("all_slow")
async def test_the_slowest_file_gives_way_to_another_upload(tmp_path: Path) -> None:
    """Whoever has all slots by sending slowly stops nobody else."""
    going_on = asyncio.Event()
    async with Uploads(tmp_path, at_once=2) as uploads:
        fast, fast_task = await _begin(uploads, "a", 900_000, going_on)
        slow, slow_task = await _begin(uploads, "a", 9, going_on)
        with pytest.raises(TooManyUploads, match="this tenant"):
            await uploads.open("a")
        other = await uploads.open("b")
        await other.write(arriving(10))
        with pytest.raises(TooManyUploads, match="gave way"):
            await slow_task
        slow.close()
        going_on.set()
        await fast_task
        assert fast.digest
        assert other.digest
        with pytest.raises(TooManyUploads, match="this server"):  # both are staged
            await uploads.open("c")
        for upload in (fast, other):
            upload.close()
        (await uploads.open("c")).close()
    assert await _is_empty(tmp_path)


@pytest.mark.usefixtures("all_slow")
async def test_what_has_arrived_already_takes_a_slot_at_once(tmp_path: Path) -> None:
    going_on = asyncio.Event()
    async with Uploads(tmp_path, at_once=1) as uploads:
        slow, task = await _begin(uploads, "a", 9, going_on)
        other = await uploads.open("b", arrived=True)
        with pytest.raises(TooManyUploads, match="gave way"):
            await task
        slow.close()
        other.close()


@pytest.mark.usefixtures("all_slow")
async def test_no_file_gives_way_to_one_that_does_not_arrive(tmp_path: Path) -> None:
    going_on, broken_off = asyncio.Event(), asyncio.Event()
    async with Uploads(tmp_path, at_once=1) as uploads:
        slow, task = await _begin(uploads, "a", 9, going_on)
        waiting = [await uploads.open("b") for _ in range(2)]
        with pytest.raises(TooManyUploads, match="this tenant"):
            await uploads.open("b")
        silent = asyncio.create_task(waiting[0].write(arriving(10, broken_off)))
        await until(lambda: _arrived(waiting[0], 10))
        silent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await silent
        for each in waiting:
            each.close()
        going_on.set()
        await task
        assert slow.digest
        slow.close()
    assert await _is_empty(tmp_path)


@pytest.mark.parametrize("size", [0, 10])
async def test_one_that_waits_takes_a_slot_that_is_free_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("outdial.api.uploads.UNDISTURBED", timedelta(0))
    going_on = asyncio.Event()
    async with Uploads(tmp_path, at_once=1) as uploads:
        with monkeypatch.context() as patched:
            patched.setattr("outdial.api.uploads.FAST_ENOUGH", float("inf"))
            first, task = await _begin(uploads, "a", 9, going_on)
            waiting = await uploads.open("b")
        monkeypatch.setattr("outdial.api.uploads.FAST_ENOUGH", 0)
        with pytest.raises(TooManyUploads, match="this server"):
            await waiting.write(arriving(size))
        waiting.close()
        with monkeypatch.context() as patched:
            patched.setattr("outdial.api.uploads.FAST_ENOUGH", float("inf"))
            waiting = await uploads.open("b")
        going_on.set()
        await task
        first.close()
        await waiting.write(arriving(size))
        with pytest.raises(TooManyUploads, match="this server"):
            await uploads.open("c")
        waiting.close()


async def test_a_file_that_arrives_fast_enough_gives_way_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it the slowest: to begin an upload does not end another tenant's."""
    monkeypatch.setattr("outdial.api.uploads.UNDISTURBED", timedelta(0))
    monkeypatch.setattr("outdial.api.uploads.FAST_ENOUGH", 0)
    going_on = asyncio.Event()
    async with Uploads(tmp_path, at_once=1) as uploads:
        only, task = await _begin(uploads, "a", 9, going_on)
        for arrived in (False, True):
            with pytest.raises(TooManyUploads, match="this server"):
                await uploads.open("b", arrived=arrived)
        going_on.set()
        await task
        only.close()


async def test_a_file_arrives_undisturbed_for_a_while(tmp_path: Path) -> None:
    going_on = asyncio.Event()
    async with Uploads(tmp_path, at_once=1) as uploads:
        slow, task = await _begin(uploads, "a", 9, going_on)
        with pytest.raises(TooManyUploads, match="this server"):
            await uploads.open("b")
        going_on.set()
        await task
        slow.close()
