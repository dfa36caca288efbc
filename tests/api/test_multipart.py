"""Forms are read as they arrive, in whatever pieces."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.api.admission import BodyInvalid
from outdial.api.multipart import MultipartReader, PartHead, boundary_of


def read(boundary: bytes, body: bytes, cuts: list[int] | None = None) -> list[tuple[str, bytes]]:
    reader = MultipartReader(boundary)
    parts: list[tuple[str, bytes]] = []
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts or [])})
    for start, end in pairwise(places):
        for event in reader.feed(body[start:end]):
            if isinstance(event, PartHead):
                parts.append((event.name, b""))
            else:
                name, content = parts.pop()
                parts.append((name, content + event))
    assert reader.complete
    return parts


# Line ends and dashes are what a boundary is made of.
contents = st.lists(st.sampled_from([b"\r\n", b"--", b"-", b"\r", b"\n", b"B", b"a,b", b"\x00"]))


@given(
    texts=st.lists(contents.map(b"".join), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_what_a_client_writes_is_read_in_any_pieces(texts: list[bytes], cuts: list[int]) -> None:
    files = {f"part{at}": (f"{at}.csv", text) for at, text in enumerate(texts)}
    request = httpx.Request("POST", "http://x", files=files)
    boundary = boundary_of(request.headers["content-type"])
    sent = [(f"part{at}", text) for at, text in enumerate(texts)]
    assert read(boundary, request.read(), cuts) == sent


@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_line_ends_before_the_form_and_text_behind_it_are_ignored(cuts: list[int]) -> None:
    head = b'Content-Disposition: form-data; name="a"'
    body = b"\r\n--B\r\n" + head + b"\r\n\r\n--B--\r\n--B--\r\nafter"
    assert read(b"B", body, cuts) == [("a", b"--B--")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"--B\r\nContent-Type: text/csv\r\n\r\nx\r\n--B--", "body"),
        (b"--Bx\r\n", "body"),
        (b"before\r\n--B\r\n", "body"),
        (b"--B\r\n" + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n", "body"),
        (b"--B\r\n" + b"x" * 9000, "body"),
        (
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\nx\r\n--B--",
            "a",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(BodyInvalid) as refused:
        read(b"B", body)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "header", ["multipart/form-data", 'multipart/form-data; boundary=""', "text/csv"]
)
def test_a_form_names_its_boundary(header: str) -> None:
    with pytest.raises(BodyInvalid):
        boundary_of(header)
