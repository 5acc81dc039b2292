from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from workbench.model.connect import connect
from workbench.model.conversation import Model, ModelError

if TYPE_CHECKING:
    from tests.model.conftest import Kit

NO_HOME = {"HOME": "/nonexistent"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads the process's variables where it is told nothing."""
    monkeypatch.setenv("HOME", "/nonexistent")
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "PROFILE", "CONFIG_DIR", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)


async def headers_sent(kit: Kit, **variables: str) -> tuple[Model, httpx2.Request]:
    requests: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return kit.stream(kit.encode(*kit.text_reply()))

    environment = {f"ANTHROPIC_{name}": value for name, value in variables.items()}
    model = connect(environment, transport=httpx2.MockTransport(handle))
    assert (await kit.ask(model, kit.request())).text == "hi"
    return model, requests[0]


async def test_a_key(kit: Kit) -> None:
    model, request = await headers_sent(kit, API_KEY=" sk-ant-1\n", AUTH_TOKEN="t")
    assert (model.source, model.endpoint) == ("api", None)
    assert request.headers["authorization"] == "Bearer sk-ant-1"
    assert request.url.host == "api.anthropic.com"


async def test_a_token(kit: Kit) -> None:
    _, request = await headers_sent(kit, AUTH_TOKEN="token-1")
    assert request.headers["authorization"] == "Bearer token-1"


async def test_an_endpoint_with_a_key(kit: Kit) -> None:
    model, request = await headers_sent(kit, BASE_URL="http://localhost:8080/prefix/", API_KEY="k1")
    assert (model.source, model.endpoint) == ("endpoint", "http://localhost:8080/prefix")
    assert str(request.url) == "http://localhost:8080/prefix/v1/messages"
    assert request.headers["authorization"] == "Bearer k1"


async def test_an_endpoint_without_credentials_is_sent_none(kit: Kit) -> None:
    model, request = await headers_sent(kit, BASE_URL="http://localhost:11434")
    assert model.source == "endpoint"
    assert "authorization" not in request.headers
    assert "x-api-key" not in request.headers


async def test_a_named_profile(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "credentials").mkdir()
    config = '{"authentication": {"type": "user_oauth", "client_id": "c"}}'
    (tmp_path / "configs" / "work.json").write_text(config)
    secret = tmp_path / "credentials" / "work.json"
    secret.write_text(
        '{"access_token": "oauth-1", "refresh_token": "r", "expires_at": 4102444800, "type": "oauth_token"}'
    )
    secret.chmod(0o600)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    _, request = await headers_sent(kit, PROFILE="work")
    assert request.headers["authorization"] == "Bearer oauth-1"


async def test_a_profile_that_cannot_be_used(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "configs" / "work.json").write_text('{"authentication": {"type": "user_oauth", "client_id": "c"}}')
    secret = tmp_path / "credentials" / "work.json"
    secret.write_text('{"access_token": "oauth-secret-1", "expires_at": 1, "type": "oauth_token"}')
    secret.chmod(0o600)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    model = connect({"ANTHROPIC_PROFILE": "work"}, transport=httpx2.MockTransport(lambda _: kit.failed(500)))
    failure = (await kit.ask(model, kit.request())).failure
    assert failure.kind == "authentication"
    assert "from ANTHROPIC_PROFILE cannot be used" in str(failure)
    assert "oauth-secret-1" not in str(failure)


def refusal(environment: dict[str, str]) -> ModelError:
    with pytest.raises(ModelError) as caught:
        connect(environment)
    assert caught.value.__context__ is None
    return caught.value


def test_nothing_to_ask_with() -> None:
    error = refusal(NO_HOME)
    assert error.kind == "authentication"
    assert "ANTHROPIC_API_KEY" in str(error)
    assert "--offline" in str(error)


def test_a_profile_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    error = refusal({"ANTHROPIC_PROFILE": "nope"})
    assert error.kind == "authentication"
    assert "from ANTHROPIC_PROFILE" in str(error)


@pytest.mark.parametrize("key", ["sk ant", "sk\nant", "sk-ant-é", "two\twords"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key: str) -> None:
    error = refusal({"ANTHROPIC_API_KEY": key})
    assert error.kind == "authentication"
    assert key not in str(error)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://[oops", "//host"])
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    error = refusal({"ANTHROPIC_BASE_URL": url})
    assert error.kind == "connection"
    assert "ANTHROPIC_BASE_URL" in str(error)


async def test_secrets_of_the_url_and_of_headers_are_hidden(kit: Kit) -> None:
    environment = {
        "ANTHROPIC_BASE_URL": "http://user:hunter22@gateway.test/?token=qwertz",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway: gate-secret-1\nX-Other: other-2",
    }
    words = "hunter22 qwertz gate-secret-1 other-2"
    transport = httpx2.MockTransport(lambda _: kit.failed(400, words))
    failure = (await kit.ask(connect(environment, transport=transport), kit.request())).failure
    assert not any(
        secret in f"{failure} {failure.details}" for secret in ("hunter22", "qwertz", "gate-secret", "other-2")
    )


def test_nothing_heavy_is_imported_until_it_is_needed() -> None:
    modules = "access, capabilities, connect, conversation, failures, parameters"
    code = (
        f"import sys; from workbench.model import {modules}; "
        "print([name for name in ('anthropic', 'httpx2', 'pydantic', 'yaml') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
