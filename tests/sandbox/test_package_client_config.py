from __future__ import annotations

from pathlib import Path

import pytest

from workbench.sandbox import package_client_config as module
from workbench.sandbox.apt_sources import parse_deb822
from workbench.sandbox.distribution import Host
from workbench.sandbox.package_client_config import host_client_config, local_folders, npm_lines, pip_settings

FEDORA = Host("Linux", "x86_64", "6.1", "Fedora", ("fedora",))
DEBIAN = Host("Linux", "x86_64", "6.1", "Debian", ("debian",), "bookworm")


def test_pip_is_configured_by_files_and_then_by_variables(tmp_path: Path) -> None:
    weak, strong, broken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    weak.write_text("[global]\nindex-url = http://weak\ntimeout = 9\nuser = true\n")
    strong.write_text("[global]\nindex_url = http://strong\n[download]\nextra-index-url =\n  http://x\n  http://y\n")
    broken.write_text("no section\n")
    found = pip_settings([weak, strong, broken, tmp_path / "none"], {"PIP_TIMEOUT": "60", "PIP_TARGET": "/x"})
    assert found == {"index-url": ["http://strong"], "timeout": ["60"], "extra-index-url": ["http://x", "http://y"]}


def test_npm_keeps_registries_and_logins_only(tmp_path: Path) -> None:
    file = tmp_path / "npmrc"
    file.write_text(
        "; remark\nregistry=https://r.example/\n@our:registry = https://o.example/\n"
        "//r.example/:_authToken=${TOKEN}\nprefix=/home/x\nignore-scripts=false\nsave-exact\n"
    )
    assert npm_lines([file], {"TOKEN": "abc", "npm_config_registry": "https://env.example/"}) == [
        ("registry", "https://r.example/"),
        ("@our:registry", "https://o.example/"),
        ("//r.example/:_authToken", "abc"),
        ("registry", "https://env.example/"),
    ]


def test_folders_of_packages_are_known_by_path_and_by_url(tmp_path: Path) -> None:
    (tmp_path / "index/simple").mkdir(parents=True)
    (tmp_path / "wheels").mkdir()
    settings = {
        "find-links": [str(tmp_path / "wheels"), "https://x.example/", "relative"],
        "extra-index-url": [f"file://{tmp_path}/index/simple", f"file://{tmp_path}/none"],
    }
    assert set(local_folders(settings)) == {tmp_path / "index", tmp_path / "wheels"}


@pytest.fixture
def no_system_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUNDLES", ())


@pytest.mark.usefixtures("no_system_files")
def test_secrets_reach_the_files_and_nothing_that_is_printed(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("//r.example/:_authToken=t0ken\n")
    (tmp_path / ".netrc").write_text("machine x login joe password netsecret\n")
    (tmp_path / "corporate.pem").write_text("CERT")
    config = host_client_config(
        FEDORA,
        {
            "PIP_INDEX_URL": "https://joe:p%40ss@pypi.example/simple",
            "HTTPS_PROXY": "http://u:proxypw@127.0.0.1:3128",
            "SSL_CERT_FILE": str(tmp_path / "corporate.pem"),
        },
        tmp_path,
    )
    assert b"p%40ss" in config.files["pip.conf"] and b"t0ken" in config.files["npmrc"]
    assert b"netsecret" in config.files["netrc"]
    assert config.files["ca.crt"].endswith(b"CERT")
    assert config.env["https_proxy"] == config.env["HTTPS_PROXY"]
    assert config.env["PIP_CERT"] == config.env["NODE_EXTRA_CA_CERTS"] == "/agent-workbench-job/ca.crt"
    assert config.local_proxy and not config.apt_codename
    line = config.mask("GET https://joe:p%40ss@pypi.example t0ken p@ss proxypw http://a:b@c/")
    assert not [secret for secret in ("p%40ss", "p@ss", "t0ken", "proxypw", "a:b") if secret in line]
    assert not [secret for secret in ("p%40ss", "t0ken", "proxypw", "netsecret") if secret in repr(config)]


@pytest.mark.usefixtures("no_system_files")
def test_without_any_configuration_the_clients_keep_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_pip_files", lambda env, home: [])
    monkeypatch.setattr(module, "_npm_files", lambda env, home: [])
    config = host_client_config(FEDORA, {}, tmp_path)
    assert "ca.crt" not in config.files and "PIP_CERT" not in config.env
    assert config.files["npmrc"] == b"" and b"index-url" not in config.files["pip.conf"]


@pytest.mark.usefixtures("no_system_files")
def test_apts_mirror_comes_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "mirror.gpg"
    key.write_bytes(b"KEY")
    text = f"Types: deb\nURIs: http://m.example\nSuites: bookworm\nComponents: main\nSigned-By: {key}\n"
    monkeypatch.setattr(module, "read_apt_sources", lambda: parse_deb822(text))
    monkeypatch.setattr(module, "apt_acquire_settings", lambda: "")
    config = host_client_config(DEBIAN, {}, tmp_path)
    assert config.apt_codename == "bookworm"
    assert config.files["key0.gpg"] == b"KEY"
    assert b"Signed-By: /agent-workbench-job/key0.gpg" in config.files["apt.sources"]
