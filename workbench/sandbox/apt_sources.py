"""Where this machine gets its Debian or Ubuntu packages from: apt's sources, read and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

_OPTION_NAMES: Final = {"signed-by": "Signed-By", "arch": "Architectures", "trusted": "Trusted"}
_FIELD_NAMES: Final = {"signed-by": "Signed-By", "architectures": "Architectures", "trusted": "Trusted"}
_DEFAULT_ARCHIVES: Final = {
    "debian": ("http://deb.debian.org/debian", "/usr/share/keyrings/debian-archive-keyring.gpg"),
    "ubuntu": ("http://archive.ubuntu.com/ubuntu", "/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
}


@dataclass(frozen=True, slots=True)
class AptSource:
    """One stanza or line: each suite of each URI. `options` by their deb822 names; Signed-By is a path or a whole key.

    A URI may hold a password: print only `shown_uris`.
    """

    types: tuple[str, ...]
    uris: tuple[str, ...] = field(repr=False)
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown_uris(self) -> tuple[str, ...]:
        """The URIs without user names and passwords."""
        return tuple(re.sub(r"//[^/@]*@", "//", uri) for uri in self.uris)

    @property
    def keyring(self) -> Path | None:
        """The keyring file that signs it, None when apt's own keys or a key in the stanza do."""
        value = self.options.get("Signed-By", "")
        return Path(value) if value.startswith("/") else None


def parse_deb822(text: str) -> list[AptSource]:
    """The enabled stanzas of a `.sources` file (man sources.list, "DEB822-STYLE FORMAT")."""
    sources = []
    for stanza in _stanzas(text):
        if stanza.get("enabled", "yes").lower() in {"no", "false", "0", "off"}:
            continue
        types, uris, suites = (tuple(stanza.get(name, "").split()) for name in ("types", "uris", "suites"))
        if not (types and uris and suites):
            continue
        options = {_FIELD_NAMES[name]: value for name, value in stanza.items() if name in _FIELD_NAMES}
        components = tuple(stanza.get("components", "").split())
        sources.append(AptSource(types, uris, suites, components, options))
    return sources


def _stanzas(text: str) -> Iterable[Mapping[str, str]]:
    """Field names in lower case; continuation lines are kept with their line breaks, comment lines dropped."""
    stanza: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, last = {}, ""
        elif line[0] in " \t":
            if last:
                stanza[last] = f"{stanza[last]}\n{line}"
        else:
            name, _, value = line.partition(":")
            last = name.strip().lower()
            stanza[last] = value.strip()


def parse_one_line(text: str) -> list[AptSource]:
    """The lines of a `.list` file (man sources.list, "ONE-LINE-STYLE FORMAT"); what is malformed is left out."""
    sources = []
    for line in text.splitlines():
        match = re.match(r"^\s*(deb|deb-src)\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$", line.split("#")[0])
        if not match:
            continue
        kind, bracket, uri, suite, components = match.groups()
        options = {}
        for option in (bracket or "").split():
            name, _, value = option.partition("=")
            if name.lower() in _OPTION_NAMES:
                options[_OPTION_NAMES[name.lower()]] = value.replace(",", " ")
        sources.append(AptSource((kind,), (uri,), (suite,), tuple(components.split()), options))
    return sources


def read_apt_sources(etc_apt: Path = Path("/etc/apt")) -> list[AptSource]:
    """All enabled sources of this machine, in apt's own order. Unreadable files are passed over."""
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    sources: list[AptSource] = []
    for file in files:
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if file.suffix == ".sources":
            sources += parse_deb822(text)
        elif file.suffix == ".list":
            sources += parse_one_line(text)
    return [_without_mirror_files(source) for source in sources]


def _without_mirror_files(source: AptSource) -> AptSource:
    """Replace `mirror+file:/etc/apt/mirrors/x.list`, as Debian's cloud images use it, by the list's first mirror."""
    return replace(source, uris=tuple(_mirror_of(uri) for uri in source.uris))


def _mirror_of(uri: str) -> str:
    if not uri.startswith("mirror+file:"):
        return uri
    try:
        text = Path("/" + uri.removeprefix("mirror+file:").lstrip("/")).read_text(errors="replace")
    except OSError:
        return uri
    words = (line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return next(words, uri)


def offers_suite(sources: Iterable[AptSource], suite: str) -> bool:
    """True if binary packages of `suite` are among the sources."""
    return any("deb" in source.types and suite in source.suites for source in sources)


def archive_sources(sources: Iterable[AptSource], family: str, codename: str) -> list[AptSource]:
    """The distribution's own archive, its updates and its security updates, as this machine reaches them.

    Only `main` (and Ubuntu's `universe`), one URI each, nothing that a CD-ROM or a folder serves. Where the machine
    has none of it, the distribution's public archive.
    """
    wanted = (codename, f"{codename}-updates", f"{codename}-security")
    components = ("main", "universe") if family == "ubuntu" else ("main",)
    found = []
    for source in sources:
        suites = tuple(suite for suite in source.suites if suite in wanted)
        uris = tuple(uri for uri in source.uris if re.match(r"https?://", uri))
        if "deb" in source.types and suites and uris and "main" in source.components:
            found.append(AptSource(("deb",), uris[:1], suites, components, source.options))
    if any(codename in source.suites for source in found):
        return found
    uri, keyring = _DEFAULT_ARCHIVES[family]
    options = {"Signed-By": keyring} if Path(keyring).exists() else {}
    return [AptSource(("deb",), (uri,), (codename,), components, options)]


def public_archive(family: str, codename: str, architecture: str) -> list[AptSource]:
    """The distribution's public archive: what an image names, so that no private mirror is baked into it."""
    uri, keyring = _DEFAULT_ARCHIVES[family]
    options = {"Signed-By": keyring}
    if family == "ubuntu":
        if architecture not in {"amd64", "i386"}:
            uri = "http://ports.ubuntu.com/ubuntu-ports"
        suites = (codename, f"{codename}-updates", f"{codename}-security")
        return [AptSource(("deb",), (uri,), suites, ("main", "universe"), options)]
    if codename == "sid":
        return [AptSource(("deb",), (uri,), (codename,), ("main",), options)]
    security = AptSource(("deb",), (f"{uri}-security",), (f"{codename}-security",), ("main",), options)
    return [AptSource(("deb",), (uri,), (codename, f"{codename}-updates"), ("main",), options), security]


def render_deb822(sources: Sequence[AptSource]) -> str:
    """The text of a `.sources` file."""
    return "\n".join(_stanza(source) for source in sources)


def _stanza(source: AptSource) -> str:
    lines = [f"Types: {' '.join(source.types)}", f"URIs: {' '.join(source.uris)}", f"Suites: {' '.join(source.suites)}"]
    if source.components:
        lines.append(f"Components: {' '.join(source.components)}")
    lines += [f"{name}: {value}" for name, value in source.options.items()]
    return "\n".join(lines) + "\n"


def backports_source(sources: Sequence[AptSource], family: str, codename: str) -> AptSource:
    """The backports suite of the same mirror, signed by the same keys, as the machine's own archive."""
    archive = next(s for s in archive_sources(sources, family, codename) if codename in s.suites)
    return replace(archive, suites=(f"{codename}-backports",), components=("main",))


def backports_pin(codename: str, package: str) -> str:
    """Preferences under which only `package` comes from backports (man apt_preferences).

    50 takes nothing that another source has; 600 is above the 500 of the suite, whose own version is older.
    """
    suite = f"{codename}-backports"
    return (
        f"Package: *\nPin: release n={suite}\nPin-Priority: 50\n\n"
        f"Package: {package}\nPin: release n={suite}\nPin-Priority: 600\n"
    )
