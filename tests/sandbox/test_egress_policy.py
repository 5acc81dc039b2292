"""Which hosts and addresses pass: patterns, every way to write an address, and what is not public."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.definition.agent import NetworkPolicy
from workbench.sandbox.egress import EgressPolicy, PatternError
from workbench.sandbox.egress.addresses import Address, HostError, is_own_address, parse_host, why_not_public

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
ANY_IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ANY_IPV6 = st.integers(0, 2**128 - 1).map(IPv6Address)


def policy(*allow: str, deny: tuple[str, ...] = ()) -> EgressPolicy:
    return EgressPolicy.from_network(NetworkPolicy(allow=allow, deny=deny))


def refused(rules: EgressPolicy, host: str, port: int = 443) -> bool:
    return rules.refuse_target(parse_host(host), port) is not None


def nobody(_: Address) -> bool:
    return False


# -- patterns


@pytest.mark.parametrize(
    ("pattern", "host", "passes"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.Com.", True),
        ("Example.COM.", "example.com", True),
        ("example.com", "www.example.com", False),
        ("example.com", "example.com.evil.test", False),
        ("example.com", "notexample.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "evilexample.com", False),
        ("*.example.com", "www.example.com.evil.test", False),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("BÜCHER.example", "bücher.example", True),
        ("*.bücher.example", "shop.xn--bcher-kva.example", True),
        ("example.com", "exam\u0440le.com", False),  # a Cyrillic letter
        ("example.com", "\uff45\uff58ample.com", True),  # full-width letters are the same name
        ("8.8.8.8", "8.8.8.8", True),
        ("8.8.8.8", "134744072", True),
        ("2606:4700::1111", "[2606:4700:0::1111]", True),
        ("*.com", "8.8.8.8", False),
    ],
)
def test_a_host_passes_when_it_matches_a_pattern(pattern: str, host: str, passes: bool) -> None:
    assert refused(policy(pattern), host) is not passes


def test_nothing_passes_by_default() -> None:
    assert refused(EgressPolicy(), "example.com")


def test_deny_wins_whatever_the_order_of_precision() -> None:
    rules = policy("*.example.com", "api.example.com", deny=("*.example.com",))
    assert refused(rules, "api.example.com")
    rules = policy("*.example.com", deny=("secret.example.com",))
    assert refused(rules, "SECRET.example.com.") and not refused(rules, "open.example.com")


def test_a_denied_address_is_denied_behind_a_name_too() -> None:
    rules = policy("example.com", deny=("9.9.9.9",))
    assert rules.refuse_addresses("example.com", [ip_address("9.9.9.9")], nobody) is not None
    assert rules.refuse_addresses("example.com", [ip_address("9.9.9.10")], nobody) is None


@pytest.mark.parametrize("port", [0, 22, 25, 8080, 8443, 6379, 65535])
def test_other_ports_are_refused(port: int) -> None:
    assert refused(policy("example.com"), "example.com", port)
    assert not refused(policy("example.com"), "example.com", 80)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*.",
        "*.*.com",
        "a.*.com",
        "*example.com",
        "https://example.com",
        "example.com:443",
        "a b.com",
        "example.com/path",
        "*.8.8.8.8",
        "10.0.0.0/8",
        "user@example.com",
        "-a.com",
        "a..com",
        "1.2.3.256",
    ],
)
def test_what_is_no_pattern_is_an_error_that_says_what_to_write(text: str) -> None:
    with pytest.raises(PatternError) as error:
        policy(text)
    assert repr(text) in str(error.value)


@given(NAME, NAME)
def test_a_suffix_stands_for_the_names_below_it_only(name: str, below: str) -> None:
    rules = policy(f"*.{name}")
    assert refused(rules, name)
    assert not refused(rules, f"{below}.{name}".upper() + ".")
    assert refused(rules, f"{below}{name}.invalid")


@given(NAME)
def test_refusals_name_the_host_and_the_setting(name: str) -> None:
    refusal = policy().refuse_target(name, 443)
    assert refusal is not None and name in refusal.advice and "network.allow" in refusal.advice


# -- ways to write an address


def in_base(number: int, base: str) -> str:
    return {"decimal": str(number), "octal": "0" + oct(number)[2:], "hex": hex(number)}[base]


@given(ANY_IPV4, st.lists(st.sampled_from(["decimal", "octal", "hex"]), min_size=1, max_size=4))
def test_every_form_of_an_ipv4_address_is_recognised(address: IPv4Address, bases: list[str]) -> None:
    """One to four numbers, each in any base, as inet_aton(3) reads them, which is asked as the oracle."""
    octets = list(address.packed)
    heads = octets[: len(bases) - 1]
    last = int.from_bytes(bytes(octets[len(heads) :]), "big")
    text = ".".join(in_base(number, base) for number, base in zip([*heads, last], bases, strict=True))
    assert parse_host(text) == address == IPv4Address(socket.inet_aton(text))
    assert parse_host(text.upper() + ".") == address


@given(st.from_regex(r"[0-9a-fx.]{1,24}", fullmatch=True))
def test_what_the_c_library_reads_as_an_address_is_never_a_name(text: str) -> None:
    try:
        packed = socket.inet_aton(text)
    except OSError:
        return
    with contextlib.suppress(HostError):  # refused is as good
        assert parse_host(text) == IPv4Address(packed)


@given(ANY_IPV4)
def test_an_ipv4_address_mapped_into_ipv6_is_the_ipv4_address(address: IPv4Address) -> None:
    for text in (
        f"::ffff:{address}",
        f"[::FFFF:{address}]",
        f"[0:0:0:0:0:ffff:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}]",
    ):
        assert parse_host(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "256.1.1.1",
        "1.2.3.4.5",
        "1.2.3.08",
        "1.2.3.",
        "0x",
        "99999999999",
        "1..2",
        "127.0.0.0x100",
        "example.1",
        "a.0xff",
        "::1%lo",
        "[fe80::1%25eth0]",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[example.com]",
        "1:2",
        ":::",
        "a" * 64 + ".com",
        "ex ample.com",
        "example.com\x00",
        "exa%6dple.com",
        "a\\b.com",
        "-a.com",
        "a-.com",
        ".",
        "..",
        "a..",
        ".a.com",
        "a." * 127 + "com",
        "exam\nple.com",
        "℀.com",
        "a\xadb。。c",
    ],
)
def test_what_is_neither_a_name_nor_an_address_is_an_error(text: str) -> None:
    host: object = None
    try:
        host = parse_host(text)
    except HostError:
        return
    assert text in {"0x", "1.2.3."} and str(host) in {"0.0.0.0", "1.2.0.3"}, host  # these are addresses after all


@pytest.mark.parametrize("text", ["127。0。0。1", "①②⑦.⓪.⓪.①", "\uff11\uff12\uff17.0.0.1"])
def test_unicode_digits_and_dots_make_addresses_too(text: str) -> None:
    assert parse_host(text) == IPv4Address("127.0.0.1")


def test_an_address_must_be_allowed_itself_and_be_public() -> None:
    assert refused(policy("example.com"), "8.8.8.8")
    assert not refused(policy("8.8.8.8"), "0x8.8.2056")
    assert refused(policy("127.0.0.1", "::1", "169.254.169.254"), "127.1")
    assert refused(policy("127.0.0.1", "::1"), "[::1]")
    assert refused(policy("169.254.169.254"), "0xa9fea9fe")


# -- public addresses

SPECIAL = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.1.2 169.254.169.254
    169.254.170.2 172.16.0.1 172.31.255.255 192.168.1.1 192.0.0.1 192.0.2.7 192.88.99.1 198.18.0.1 198.19.255.255
    198.51.100.1 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::8.8.8.8
    64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
    2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1 fc00::1 fd00:ec2::254 fd20:ce::254 fdff::1 fe80::1 fec0::1
    ff02::1 4000::1 5f00::1
"""
ORDINARY = """
    8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 100.128.0.1 192.167.1.1 223.255.255.255 198.20.0.1 2606:4700:4700::1111
    2a00:1450::1 2001:4860:4860::8888 64:ff9b::8.8.8.8
"""


@pytest.mark.parametrize("text", SPECIAL.split())
def test_special_addresses_are_not_public(text: str) -> None:
    assert why_not_public(ip_address(text)) is not None
    rules = policy("example.com")
    assert rules.refuse_addresses("example.com", [ip_address(text)], nobody) is not None
    assert rules.refuse_addresses("example.com", [ip_address("8.8.8.8"), ip_address(text)], nobody) is not None


@pytest.mark.parametrize("text", ORDINARY.split())
def test_ordinary_addresses_are_public(text: str) -> None:
    assert why_not_public(ip_address(text)) is None


@given(ANY_IPV4 | ANY_IPV6)
def test_what_the_standard_library_calls_private_is_never_public(address: Address) -> None:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None and str(address).startswith("64:ff9b::"):
        return
    if address.is_private or address.is_multicast or address.is_reserved or address.is_unspecified:
        assert why_not_public(address) is not None


def test_this_machines_own_addresses_are_known() -> None:
    assert is_own_address(ip_address("127.0.0.1"))
    assert not is_own_address(ip_address("8.8.8.8"))
    assert not is_own_address(ip_address("2606:4700:4700::1111"))


def test_an_own_address_is_refused_even_when_it_is_public() -> None:
    rules = policy("example.com", "8.8.8.8")
    mine = ip_address("8.8.8.8")
    assert rules.refuse_addresses("example.com", [mine], lambda address: address == mine) is not None
    assert rules.refuse_addresses(mine, [mine], lambda address: address == mine) is not None


def test_a_name_without_addresses_is_refused() -> None:
    assert policy("example.com").refuse_addresses("example.com", [], nobody) is not None
