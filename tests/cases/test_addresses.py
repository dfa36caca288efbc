"""O1, O2: which addresses are of the internet at large, whatever the interpreter thinks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.resources.outgoing.addresses import UrlRefused, resolve
from outdial.resources.outgoing.special_addresses import is_public

INTERNAL = [
    "168.63.129.16",  # O1: Azure's WireServer
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.0.9",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:168.63.129.16",
    "64:ff9b:1::7f00:1",  # O2 and its siblings
    "64:ff9b::a00:1",
    "64:ff9b:1::a9fe:a9fe",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:0:10.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "2001:0:5db8:d822:0:0:80ff:fffe",
    "fec0::1",
    "fc00::1",
    "fe80::1%eth0",
    "5f00::1",
    "100::1",
    "100:0:0:1::1",
    "2001:db8::1",
    "2001:2::1",
    "3fff::1",
    "4000::1",
    "ff02::1",
    "::",
    "::1",
    "0.0.0.0",
    "255.255.255.255",
    "192.88.99.1",
    "198.18.0.1",
    "240.0.0.1",
    "100.64.0.1",
    "172.31.255.255",
]
PUBLIC = [
    "93.184.216.34",
    "1.1.1.1",
    "172.32.0.1",
    "192.0.1.1",
    "100.128.0.1",
    "168.63.129.17",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
    "2002:5db8:d822::1",
]


@pytest.mark.parametrize("address", INTERNAL)
async def test_internal(address: str) -> None:
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    if "%" not in address:
        with pytest.raises(UrlRefused):
            await resolve(f"http://{host}/", allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@given(inner=st.ip_addresses(v=4), wrap=st.sampled_from(["::ffff:{}", "64:ff9b::{}", "::{}"]))
def test_an_inner_address_decides(inner: object, wrap: str) -> None:
    assert is_public(wrap.format(inner)) == is_public(str(inner))


@given(st.ip_addresses())
def test_what_the_interpreter_knows_as_internal_is_internal(address: object) -> None:
    """Its own list is a part of ours, but for blocks that it took out or holds reachable."""
    if not address.is_global and address.is_private:  # type: ignore[attr-defined]
        assert not is_public(str(address))
