from __future__ import annotations

from pathlib import Path

import pytest

from workbench.model.access import model_access, public_url

SECRET = "sk-ant-secret-value"


def test_nothing_is_there(tmp_path: Path) -> None:
    access = model_access({"HOME": str(tmp_path)})
    assert not access.possible
    assert access == model_access({})


@pytest.mark.parametrize(
    ("variables", "credential", "origin"),
    [
        ({"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_AUTH_TOKEN": SECRET}, "key", "ANTHROPIC_API_KEY"),
        ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": SECRET}, "token", "ANTHROPIC_AUTH_TOKEN"),
        ({"ANTHROPIC_PROFILE": "work", "ANTHROPIC_FEDERATION_RULE_ID": "r"}, "profile", "ANTHROPIC_PROFILE"),
        (
            {
                "ANTHROPIC_FEDERATION_RULE_ID": "r",
                "ANTHROPIC_ORGANIZATION_ID": "o",
                "ANTHROPIC_IDENTITY_TOKEN_FILE": "/t",
            },
            "federation",
            "ANTHROPIC_FEDERATION_RULE_ID",
        ),
        ({"ANTHROPIC_FEDERATION_RULE_ID": "r", "ANTHROPIC_ORGANIZATION_ID": "o"}, None, None),
    ],
)
def test_the_order_is_the_sdks(variables: dict[str, str], credential: str | None, origin: str | None) -> None:
    access = model_access(variables)
    assert (access.credential, access.origin) == (credential, origin)
    assert SECRET not in repr(access)


def test_an_endpoint_needs_no_credential() -> None:
    access = model_access({"ANTHROPIC_BASE_URL": "http://localhost:11434/"})
    assert access.possible
    assert access.credential is None
    assert access.endpoint == "http://localhost:11434"


@pytest.mark.parametrize(("pointer", "file"), [(None, "default"), ("work", "work"), ("", "default")])
def test_the_active_profile_is_found(tmp_path: Path, pointer: str | None, file: str) -> None:
    folder = tmp_path / ".config" / "anthropic"
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / f"{file}.json").write_text("{}")
    if pointer is not None:
        (folder / "active_config").write_text(f"{pointer}\n")
    access = model_access({"HOME": str(tmp_path)})
    assert access.credential == "profile"
    assert access.origin == str(folder / "configs" / f"{file}.json")
    assert model_access({"ANTHROPIC_CONFIG_DIR": str(folder)}) == access


@pytest.mark.parametrize("pointer", ["../../etc/passwd", "gone", ".hidden"])
def test_a_bad_pointer_is_no_profile(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "active_config").write_text(pointer)
    assert not model_access({"ANTHROPIC_CONFIG_DIR": str(tmp_path)}).possible


def test_an_endpoint_is_shown_without_what_may_be_secret() -> None:
    shown = public_url("https://user:hunter2@gateway.test:8443/anthropic/?token=abc#def")
    assert shown == "https://gateway.test:8443/anthropic"
    assert public_url("http://[bad") == "(not a URL)"
