"""Addresses that are not of the internet at large, kept as data.

From IANA's special-purpose registries (iana.org/assignments/iana-ipv4-special-registry and
iana-ipv6-special-registry, as of 2025-10) whatever is not globally reachable, the multicast and
reserved blocks, and addresses at which platforms serve the machine itself. An interpreter's
`is_global` is that of its patch release.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared address space
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local, and the metadata of most clouds
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
        # Platforms' own, outside those blocks:
        "168.63.129.16/32",  # Azure WireServer
        "100.100.100.200/32",  # Alibaba Cloud's metadata
    )
)
_IPV6_GLOBAL = IPv6Network("2000::/3")
"""The only block from which addresses of the internet are given out."""
_IPV6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID, drones
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_EMBEDDED = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::/96"), 0),  # compatible
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated (SIIT)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of a network of its own
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""Where an IPv4 address stands within an IPv6 one: how many bits are behind it."""
_TEREDO = IPv6Network("2001::/32")


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return not any(parsed in block for block in _IPV4)
    return _is_public_ipv6(parsed)


def _is_public_ipv6(address: IPv6Address) -> bool:
    bits = int(address)
    if address in _TEREDO:
        # The server, and the client with its bits turned round: whatever relays it sees both.
        server = IPv4Address(bits >> 64 & 0xFFFFFFFF)
        client = IPv4Address(~bits & 0xFFFFFFFF)
        return is_public(str(server)) and is_public(str(client))
    for block, behind in _EMBEDDED:
        if address in block:
            return _is_public_within(bits, behind)
    return address in _IPV6_GLOBAL and not any(address in block for block in _IPV6)


def _is_public_within(bits: int, behind: int) -> bool:
    """By the inner address: where a gateway unpacks it, the packet ends up there."""
    return is_public(str(IPv4Address(bits >> behind & 0xFFFFFFFF)))
