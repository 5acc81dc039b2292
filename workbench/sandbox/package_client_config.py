"""The host's way to its package registries, for one container's lifetime: never in an image, never printed."""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from workbench.sandbox.apt_sources import AptSource, archive_sources, read_apt_sources, render_deb822
from workbench.sandbox.distribution import Host
from workbench.sandbox.rootfs import apt_acquire_settings
from workbench.sandbox.shell import without_passwords

JOB_FOLDER: Final = "/agent-workbench-job"
"""Where the files are in the container."""
_CERTIFICATES: Final = f"{JOB_FOLDER}/ca.crt"
_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_BUNDLE_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_PIP_KEYS: Final = frozenset(
    {"index-url", "extra-index-url", "find-links", "no-index", "proxy", "trusted-host", "timeout", "default-timeout",
     "retries"}
)  # fmt: skip
_NPM_KEYS: Final = re.compile(
    r"^(registry|@[^:]+:registry|//.+:[\w-]+|proxy|https?-proxy|noproxy|strict-ssl|ca(\[\])?|cert|key)$"
)
_NPM_SECRET: Final = re.compile(r":(_authToken|_auth|_password)$")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Files for JOB_FOLDER, variables for the clients, folders of packages on this machine, and what to mask."""

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    folders: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    local_proxy: bool = False
    apt_codename: str = ""

    def mask(self, line: str) -> str:
        """The line without the passwords and tokens of this configuration."""
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return without_passwords(line)


def host_client_config(host: Host, env: Mapping[str, str] | None = None, home: Path | None = None) -> ClientConfig:
    """Gather what pip, npm and apt of this machine are configured with: registries, proxies, certificates, logins."""
    env, home = os.environ if env is None else env, home or Path.home()
    pip = pip_settings(_pip_files(env, home), env)
    npm = npm_lines(_npm_files(env, home), env)
    proxies = {name.lower(): value for name, value in env.items() if name.lower() in _PROXIES and value}
    files, variables = _certificates(pip, npm, env)
    files["pip.conf"] = _pip_conf(pip).encode()
    files["npmrc"] = "".join(f"{key}={value}\n" for key, value in npm if key != "cafile").encode()
    if netrc := _read(Path(env.get("NETRC") or home / ".netrc")):
        files["netrc"] = netrc
        variables["NETRC"] = f"{JOB_FOLDER}/netrc"
    for name, value in proxies.items():
        variables |= {name: value, name.upper(): value}
    apt = _apt_files(host)
    texts = [*proxies.values(), *(value for values in pip.values() for value in values), *(value for _, value in npm)]
    return ClientConfig(
        files={**files, **apt},
        env={**variables, "PIP_CONFIG_FILE": f"{JOB_FOLDER}/pip.conf", "NPM_CONFIG_USERCONFIG": f"{JOB_FOLDER}/npmrc"},
        folders=local_folders(pip),
        secrets=tuple(_secrets(npm, [*texts, apt.get("apt.sources", b"").decode(), apt.get("apt.conf", b"").decode()])),
        local_proxy=any(_is_local(value) for name, value in proxies.items() if name != "no_proxy"),
        apt_codename=host.codename if apt else "",
    )


def pip_settings(files: Iterable[Path], env: Mapping[str, str]) -> dict[str, list[str]]:
    """The settings of pip that say where packages come from; later files and then PIP_* variables win."""
    found: dict[str, list[str]] = {}
    for file in files:
        parser = configparser.RawConfigParser(strict=False)
        text = _read(file)
        try:
            parser.read_string((text or b"").decode(errors="replace"))
        except configparser.Error:
            continue
        for section in ("global", "install", "download"):
            if parser.has_section(section):
                for key, value in parser.items(section):
                    found[_pip_key(key)] = value.split()
    for name, value in env.items():
        if name.startswith("PIP_") and value:
            found[_pip_key(name[4:])] = value.split()
    return {key: values for key, values in found.items() if key in _PIP_KEYS or key in {"cert", "client-cert"}}


def _pip_key(name: str) -> str:
    return name.lower().lstrip("-").replace("_", "-")


def _pip_files(env: Mapping[str, str], home: Path) -> list[Path]:
    """pip's configuration files, the weakest first (pip's documentation, "Configuration")."""
    if env.get("PIP_CONFIG_FILE") == os.devnull:
        return []
    folders = [Path(folder) / "pip" for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder]
    user = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    names = [*folders, Path("/etc"), home / ".pip", home / "Library/Application Support/pip", user, Path(sys.prefix)]
    return [*(folder / "pip.conf" for folder in names), *map(Path, filter(None, [env.get("PIP_CONFIG_FILE")]))]


def _pip_conf(settings: Mapping[str, list[str]]) -> str:
    lines = ["[global]", "disable-pip-version-check = true"]
    for key, values in settings.items():
        if key in _PIP_KEYS:
            lines.append(f"{key} = " + "\n    ".join(values))
        else:
            lines.append(f"{key} = {_CERTIFICATES if key == 'cert' else f'{JOB_FOLDER}/client.pem'}")
    return "\n".join(lines) + "\n"


def npm_lines(files: Iterable[Path], env: Mapping[str, str]) -> list[tuple[str, str]]:
    """The settings of npm that say where packages come from, the weakest first; ${NAME} is replaced as npm does."""
    found: list[tuple[str, str]] = []
    for file in files:
        for line in (_read(file) or b"").decode(errors="replace").splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            if equals and not key.startswith(("#", ";")) and (_NPM_KEYS.match(key) or key == "cafile"):
                expanded = re.sub(r"\$\{([^}]+)\}", lambda match: env.get(match.group(1), ""), value)
                found.append((key, expanded.strip("\"'")))
    for name, value in env.items():
        key = name.lower().removeprefix("npm_config_").replace("_", "-")
        if name.lower().startswith("npm_config_") and value and (_NPM_KEYS.match(key) or key == "cafile"):
            found.append((key, value))
    return found


def _npm_files(env: Mapping[str, str], home: Path) -> list[Path]:
    user = env.get("NPM_CONFIG_USERCONFIG") or env.get("npm_config_userconfig") or home / ".npmrc"
    return [Path("/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc"), Path(user)]


def _certificates(
    pip: Mapping[str, list[str]], npm: Iterable[tuple[str, str]], env: Mapping[str, str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """All certificates that this machine trusts for registries as one file, and what makes the clients use it."""
    system = next((bundle for bundle in _BUNDLES if Path(bundle).is_file()), "")
    named = [*pip.get("cert", []), *(value for key, value in npm if key == "cafile")]
    paths = dict.fromkeys(filter(None, [system, *named, *(env.get(name, "") for name in _BUNDLE_VARIABLES)]))
    texts = dict.fromkeys(text for path in paths if (text := _read(Path(path))))
    files: dict[str, bytes] = {}
    if texts:
        files["ca.crt"] = b"\n".join(texts)
    for path in pip.get("client-cert", []):
        if text := _read(Path(path)):
            files["client.pem"] = text
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT")
    return files, dict.fromkeys(names, _CERTIFICATES) if texts else {}


def _apt_files(host: Host) -> dict[str, bytes]:
    """The machine's own mirrors, their keys and logins; nothing where there is no apt."""
    if host.family is None or not host.codename:
        return {}
    files: dict[str, bytes] = {}
    sources = []
    for number, source in enumerate(archive_sources(read_apt_sources(), host.family, host.codename)):
        keys = _read(source.keyring) if source.keyring else None
        if source.keyring and keys:
            name = f"key{number}{source.keyring.suffix}"
            files[name] = keys
            options = {**source.options, "Signed-By": f"{JOB_FOLDER}/{name}"}
            source = AptSource(source.types, source.uris, source.suites, source.components, options)  # noqa: PLW2901
        sources.append(source)
    files["apt.sources"] = render_deb822(sources).encode()
    files["apt.conf"] = apt_acquire_settings().encode()
    logins = [Path("/etc/apt/auth.conf"), *sorted(Path("/etc/apt/auth.conf.d").glob("*.conf"))]
    files["auth.conf"] = b"\n".join(text for path in logins if (text := _read(path)))
    return files


def local_folders(pip: Mapping[str, list[str]]) -> tuple[Path, ...]:
    """Folders of this machine that pip takes packages from; for an index `simple` the folder around it."""
    values = [value for key in ("index-url", "extra-index-url", "find-links") for value in pip.get(key, [])]
    paths = [Path(unquote(urlsplit(value).path)) if value.startswith("file:") else Path(value) for value in values]
    folders = [path for path in paths if path.is_absolute() and path.is_dir()]
    return tuple(dict.fromkeys(folder.parent if folder.name == "simple" else folder for folder in folders))


def _secrets(npm: Iterable[tuple[str, str]], texts: Iterable[str]) -> Iterable[str]:
    for key, value in npm:
        if _NPM_SECRET.search(key) and value:
            yield value
    for text in texts:
        for password in re.findall(r"://[^/@\s:]*:([^/@\s]+)@", text):
            yield password
            yield unquote(password)


def _is_local(url: str) -> bool:
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
