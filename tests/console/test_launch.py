"""Launching and changing a campaign from the console: nothing is done before it is confirmed."""

from __future__ import annotations

import re
import tracemalloc
import zlib

import httpx
import pytest
from itsdangerous import Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from outdial.console.app import PATH
from outdial.console.files import MOST
from outdial.console.forms import TOKEN_FIELD, form_token
from outdial.services.campaigns.revisions import require_definition
from outdial.services.compliance.suppressing import suppress
from outdial.services.errors import NoSuchCampaign
from outdial.services.operations.reading import progress, require_campaign
from tests.console.conftest import Console
from tests.console.test_campaigns import _launched
from tests.services.world import NUMBERS, World, new_name
from tests.waiting import until

TEXT = """\
name: {name}
purpose: informational
agent: reminder
line: simulated
schedule: {{hours: "00:00-24:00", time_zone: UTC}}
recipients: {{csv: contacts.csv}}
"""
ROWS = "phone,first_name\n" + "".join(f"{number},Zoë\n" for number in NUMBERS)


async def send_files(
    us: Console, path: str, text: str, contacts: str | None = None
) -> httpx.Response:
    files: dict[str, tuple[str, bytes]] = {"definition": ("c.yaml", text.encode())}
    if contacts is not None:
        files["contacts"] = ("people.csv", contacts.encode())
    data = {TOKEN_FIELD: form_token(us.session)}
    return await us.http.post(f"{PATH}{path}", data=data, files=files, timeout=60)


def hidden(page: str) -> dict[str, str]:
    """The values that a page hands on with its last form."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: value for name, value in fields if name != TOKEN_FIELD}


async def exists(world: World, name: str) -> bool:
    try:
        await require_campaign(world.ctx, name)
    except NoSuchCampaign:
        return False
    return True


async def test_the_plan_comes_first(us: Console, world: World) -> None:
    name = new_name()
    answer = await send_files(us, "/launch/plan", TEXT.format(name=name), ROWS)
    assert answer.status_code == 200, answer.text
    assert f"Plan of {name}" in answer.text
    assert not await exists(world, name)
    launched = await us.send("/launch", **hidden(answer.text))
    assert launched.status_code == 303, launched.text
    path = launched.headers["location"].removeprefix(PATH)
    assert path.startswith("/launches/")

    async def followed() -> bool:
        shown = await us.http.get(f"{PATH}{path}")
        location = str(shown.headers.get("location", ""))
        return location.startswith(f"{PATH}/campaigns/{name}")

    await until(followed, timeout=30, interval=0.05)
    assert (await progress(world.ctx, name)).recipients == len(NUMBERS)
    again = await send_files(us, "/launch/plan", TEXT.format(name=name), ROWS)
    assert "A launch would change nothing" in again.text
    assert f'action="{PATH}/launch"' not in again.text


async def test_a_plan_that_is_stale_is_refused(us: Console, world: World) -> None:
    name = new_name()
    page = (await send_files(us, "/launch/plan", TEXT.format(name=name), ROWS)).text
    other = (await send_files(us, "/launch/plan", TEXT.format(name=name), ROWS[:-20])).text
    mixed = hidden(page) | {"plan": hidden(other)["plan"]}
    refused = await us.send("/launch", **mixed)
    assert refused.status_code == 409
    assert "make a new one" in refused.text
    for files in ("", "x", hidden(page)["files"][:-2]):
        assert (await us.send("/launch", **(hidden(page) | {"files": files}))).status_code == 422
    assert not await exists(world, name)


def sealed(us: Console, content: bytes) -> str:
    """What a holder of the session's token can make without us."""
    signer = Signer(us.session, salt="console files")
    return signer.sign(base64_encode(content)).decode()


def _head(length: int, contacts: bool) -> bytes:
    return length.to_bytes(4) + bytes([contacts])


async def test_sealed_files_are_read_within_bounds(us: Console, world: World) -> None:
    """Their signature is not ours alone, and a megabyte may stand for a thousand."""
    name = await _launched(world)
    bomb = zlib.compress(_head(100, True) + bytes(60_000_000))
    contents = [
        b"",
        b"x",
        zlib.compress(b""),
        zlib.compress(b"[1,2]"),
        zlib.compress(_head(9, False) + b"short"),
        zlib.compress(_head(1, False) + b"long"),
        zlib.compress(_head(1, False) + b"\xff"),
        zlib.compress(_head(1, True) + b"x" * (MOST + 1)),
        zlib.compress(_head(3, False) + b"cut")[:-1],
        bomb,
        bomb[: len(bomb) // 2],
    ]
    old = URLSafeSerializer(us.session, salt="console files")
    fields = [sealed(us, content) for content in contents]
    values: list[object] = [[1, 2], {}, "x", ["0" * 40_000_000, None]]
    fields += [str(old.dumps(value)) for value in values]
    tracemalloc.start()
    try:
        paths = ["/launch" for _ in fields] + [f"/campaigns/{name}/apply"]
        for path, field in zip(paths, [*fields, fields[-1]], strict=True):
            answer = await us.send(path, files=field, plan="x", revision="1")
            assert answer.status_code == 422, field[:100]
            assert "make it again" in answer.text
        assert tracemalloc.get_traced_memory()[1] < 6 * MOST
    finally:
        tracemalloc.stop()


async def test_problems_are_shown_beside_the_text(us: Console, world: World) -> None:
    name = new_name()
    answer = await send_files(us, "/launch/plan", f"name: {name}\npurpose: <b>fun</b>\n")
    assert answer.status_code == 422
    assert "definition:2" in answer.text
    assert "&lt;b&gt;fun&lt;/b&gt;" in answer.text
    assert "<b>fun" not in answer.text
    missing = await send_files(us, "/launch/plan", TEXT.format(name=name))
    assert missing.status_code == 422
    rejected = await send_files(us, "/launch/plan", TEXT.format(name=name), ROWS + "12,Bo\n")
    assert "can’t be called as written" in rejected.text
    assert f'action="{PATH}/launch"' not in rejected.text
    nothing = await us.send("/launch/plan")
    assert nothing.status_code == 422


async def test_files_have_a_largest_size(us: Console) -> None:
    answer = await send_files(us, "/launch/plan", TEXT.format(name="x"), "x" * (MOST + 1))
    assert answer.status_code == 413


@pytest.mark.usefixtures("base")
async def test_a_change_is_shown_then_applied_from_that_revision(us: Console, world: World) -> None:
    name = await _launched(world)
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", await us.page(f"/campaigns/{name}/apply"),
                     re.DOTALL)  # fmt: skip
    assert text
    source = text[1].replace("&#34;", '"')
    changed = source + "pacing: {max_concurrent: 2}\n"
    shown = await us.send(f"/campaigns/{name}/apply/plan", text=changed)
    assert shown.status_code == 200, shown.text
    assert "pacing.max_concurrent" in shown.text
    assert "outdial apply FILE --recipients keep" in shown.text, "what the button does"
    record = await require_campaign(world.ctx, name)
    assert record.revision == 1
    done = await us.send(f"/campaigns/{name}/apply", **hidden(shown.text), reason="fewer")
    assert done.status_code == 303, done.text
    record = await require_campaign(world.ctx, name)
    assert record.revision == 2
    present = await require_definition(world.ctx, record, 2)
    assert present.pacing.max_concurrent == 2
    late = await us.send(f"/campaigns/{name}/apply", **hidden(shown.text))
    assert late.status_code == 412
    other = await us.send(f"/campaigns/{name}/apply/plan", text=changed.replace(name, "other"))
    assert other.status_code == 422
    assert "can&#39;t be changed" in other.text


async def test_a_suppressed_number_is_never_called_by_plan(us: Console, world: World) -> None:
    await suppress(world.ctx, [NUMBERS[0]], "asked", source="test")
    page = (await send_files(us, "/launch/plan", TEXT.format(name=new_name()), ROWS)).text
    assert "Never called: 1" in page
