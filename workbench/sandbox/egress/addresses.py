"""Host names and addresses as the egress policy compares them, and which addresses are public.

Everything here is pure but `is_own_address`, which asks this machine's kernel.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

Host = str | IPv4Address | IPv6Address
"""A canonical host: a name in lower-case ASCII without a trailing dot, or an address, however it was written."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 253


class HostError(ValueError):
    """Text that is neither a host name nor an address. `str` says why."""


def parse_host(text: str) -> Host:
    """The canonical form of a host as it was written in a request, a pattern or a TLS hello.

    Letters outside ASCII are mapped as in browsers (UTS 46) and encoded by IDNA 2008. Whatever the C library would
    read as an IPv4 address is one: `127.1`, `0x7f.1`, `0177.0.0.1`, `2130706433`. An IPv4 address inside an IPv6 one
    (`::ffff:127.0.0.1`) becomes the IPv4 address.

    Raises:
        HostError: it is neither a name nor an address, or an address with a zone.
    """
    if text.startswith("[") or ":" in text:
        return _parse_ipv6(text)
    name = (text if text.isascii() else _to_ascii(text)).lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _parse_ipv4(labels)
    if not 0 < len(name) <= _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostError("not a valid host name")
    return name


def _to_ascii(text: str) -> str:
    import idna  # its tables take 10 ms to load and are rarely needed

    try:
        mapped = idna.uts46_remap(text, std3_rules=True, transitional=False)
        return mapped if mapped.isascii() else idna.encode(mapped).decode("ascii")
    except idna.IDNAError as error:
        raise HostError("not a valid internationalised host name") from error


def _parse_ipv6(text: str) -> Address:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in inner:
        raise HostError("an address with a zone belongs to one link only")
    try:
        address = IPv6Address(inner)
    except ValueError as error:
        raise HostError("not a valid IPv6 address") from error
    return address.ipv4_mapped or address


def _parse_ipv4(parts: list[str]) -> IPv4Address:
    """Reads what inet_aton(3) reads: one to four numbers, each decimal, octal or hexadecimal, the last one long."""
    numbers = [_parse_number(part) for part in parts]
    *heads, last = numbers
    if len(numbers) > 4 or any(head > 255 for head in heads) or last >= 256 ** (4 - len(heads)):
        raise HostError("not a valid IPv4 address")
    value = last
    for position, head in enumerate(heads):
        value += head << (8 * (3 - position))
    return IPv4Address(value)


def _parse_number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or len(text) > 64:
        raise HostError("not a valid IPv4 address")
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    if text.startswith("0") and len(text) > 1:
        try:
            return int(text, 8)
        except ValueError as error:
            raise HostError("not a valid IPv4 address") from error
    return int(text)


# The special-purpose address registries of the IANA, read 2026-11, and cloud metadata services outside of them.
_SPECIAL_IPV4 = [
    (IPv4Network(network), kind)
    for network, kind in [
        ("168.63.129.16/32", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local address (cloud metadata lives there)"),
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address shared behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    ]
]
_SPECIAL_IPV6 = [
    (IPv6Network(network), kind)
    for network, kind in [
        ("fd00:ec2::/32", "a cloud metadata address"),
        ("fd20:ce::254/128", "a cloud metadata address"),
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("::/96", "an IPv4 address in an IPv6 one"),
        ("::ffff:0:0/96", "an IPv4 address in an IPv6 one"),
        ("2001::/32", "an IPv4 address in an IPv6 one (Teredo)"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "an IPv4 address in an IPv6 one (6to4)"),
        ("3fff::/20", "an address for documentation"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    ]
]
_GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def why_not_public(address: Address) -> str | None:
    """What keeps `address` from being an ordinary address of the internet, None if it is one.

    An IPv4 address behind the well-known NAT64 prefix (64:ff9b::/96) is judged as that IPv4 address, because machines
    without IPv4 reach the internet that way. All other addresses that hold an IPv4 address are refused.
    """
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _SPECIAL_IPV4 if address in network), None)
    if address.scope_id is not None:
        return "an address of one link only"
    if address in _NAT64:
        return why_not_public(IPv4Address(int(address) & 0xFFFFFFFF))
    special = next((kind for network, kind in _SPECIAL_IPV6 if address in network), None)
    if special is None and address not in _GLOBAL_UNICAST_IPV6:
        return "a reserved address"
    return special


def is_own_address(address: Address) -> bool:
    """Whether `address` belongs to this machine: only an own address can be bound.

    Where the kernel lets any address be bound (net.ipv4.ip_nonlocal_bind), all addresses count as own ones, so that
    nothing is reached by mistake.
    """
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
