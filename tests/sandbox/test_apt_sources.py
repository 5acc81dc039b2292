from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.apt_sources import (
    AptSource,
    archive_sources,
    backports_pin,
    backports_source,
    offers_suite,
    parse_deb822,
    parse_one_line,
    public_archive,
    read_apt_sources,
    render_deb822,
)

DEBIAN = """\
# the archive
Types: deb deb-src
# a remark inside
URIs: http://joe:secret@mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/mirror.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Enabled: no
Types: deb
URIs: http://old.example/debian
Suites: bookworm-backports
Components: main
"""


def test_deb822_stanzas_with_remarks_keys_and_disabled_ones() -> None:
    archive, security = parse_deb822(DEBIAN)
    assert archive.types == ("deb", "deb-src")
    assert archive.suites == ("bookworm", "bookworm-updates")
    assert archive.keyring == Path("/usr/share/keyrings/mirror.gpg")
    assert "BEGIN PGP" in security.options["Signed-By"]
    assert security.keyring is None


def test_one_line_sources_with_options() -> None:
    text = """
    deb [arch=amd64,arm64 signed-by=/k.gpg foo=bar] https://mirror.example/debian bookworm main contrib # mine
    deb-src http://mirror.example/debian bookworm main
    #deb http://commented.example bookworm main
    deb http://exact.example/ ./
    nonsense
    """
    first, source, exact = parse_one_line(text)
    assert first.options == {"Architectures": "amd64 arm64", "Signed-By": "/k.gpg"}
    assert (first.suites, first.components) == (("bookworm",), ("main", "contrib"))
    assert source.types == ("deb-src",)
    assert exact.components == ()


def test_a_password_in_a_mirror_is_not_shown() -> None:
    source = parse_deb822(DEBIAN)[0]
    assert "secret" not in repr(source)
    assert source.shown_uris == ("http://mirror.example/debian",)


def test_all_files_of_a_machine_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("# nearest first\nhttp://near.example/debian priority:1\nhttp://far.example/debian\n")
    (tmp_path / "sources.list").write_text(f"deb mirror+file:{mirrors} bookworm main\n")
    (tmp_path / "sources.list.d/b.sources").write_text(DEBIAN)
    (tmp_path / "sources.list.d/a.list.disabled").write_text("deb http://not.example bookworm main\n")
    sources = read_apt_sources(tmp_path)
    assert sources[0].uris[0] == "http://near.example/debian"
    assert len(sources) == 3
    assert read_apt_sources(tmp_path / "none") == []


def test_backports_come_from_the_same_mirror_signed_by_the_same_keys() -> None:
    source = backports_source(parse_deb822(DEBIAN), "debian", "bookworm")
    assert source.uris == ("http://joe:secret@mirror.example/debian",)
    assert source.suites == ("bookworm-backports",)
    assert source.options["Signed-By"] == "/usr/share/keyrings/mirror.gpg"
    assert source.components == ("main",)


def test_a_disabled_suite_is_not_offered() -> None:
    sources = parse_deb822(DEBIAN)
    assert not offers_suite(sources, "bookworm-backports")
    assert offers_suite(sources, "bookworm-updates")
    assert not offers_suite(parse_one_line("deb-src http://x bookworm-backports main"), "bookworm-backports")


def test_only_backports_of_that_package_are_ever_taken() -> None:
    stanzas = backports_pin("bookworm", "runsc").strip().split("\n\n")
    assert "Package: *" in stanzas[0] and "Pin-Priority: 50" in stanzas[0]
    assert "Package: runsc" in stanzas[1] and "Pin-Priority: 600" in stanzas[1]


def test_the_archive_is_what_the_distribution_itself_publishes() -> None:
    other = "\ndeb https://vendor.example/apt bookworm stable\ndeb cdrom:[Debian 12]/ bookworm main\n"
    found = archive_sources([*parse_one_line(other), *parse_deb822(DEBIAN)], "debian", "bookworm")
    assert [source.suites for source in found] == [("bookworm", "bookworm-updates"), ("bookworm-security",)]
    assert all(source.components == ("main",) and source.types == ("deb",) for source in found)


@pytest.mark.parametrize(("family", "host"), [("debian", "deb.debian.org"), ("ubuntu", "archive.ubuntu.com")])
def test_without_any_source_the_public_archive_is_used(family: str, host: str) -> None:
    [source] = archive_sources([], family, "suite")
    assert host in source.uris[0]


def test_an_image_names_the_public_archive_with_security_updates() -> None:
    assert [s.suites for s in public_archive("debian", "sid", "amd64")] == [("sid",)]
    assert "trixie-security" in public_archive("debian", "trixie", "arm64")[1].suites
    assert "ports.ubuntu.com" in public_archive("ubuntu", "noble", "arm64")[0].uris[0]


_WORDS = st.lists(st.from_regex(r"[a-z][a-z0-9./-]{0,9}", fullmatch=True), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.builds(AptSource, _WORDS, _WORDS, _WORDS, _WORDS, st.just({"Signed-By": "/k.gpg"})), max_size=4))
def test_what_is_written_reads_the_same(sources: list[AptSource]) -> None:
    assert parse_deb822(render_deb822(sources)) == sources


def test_a_key_in_a_stanza_survives_writing() -> None:
    sources = parse_deb822(DEBIAN)
    assert parse_deb822(render_deb822(sources)) == sources
