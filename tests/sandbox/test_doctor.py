from __future__ import annotations

from pathlib import Path

import pytest

from workbench.sandbox.doctor import Check, diagnose

NAMES = ["system", "Python", "Docker client", "Docker daemon", "runsc", "gVisor runtime", "base image",
         "gVisor proven"]  # fmt: skip


def _by_name(checks: object) -> dict[str, Check]:
    assert isinstance(checks, list)
    return {check.name: check for check in checks}


def test_on_a_bare_machine_every_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr("workbench.sandbox.doctor.find_program", lambda name: None)
    checks = diagnose(tmp_path / "not/there/.workbench", environment={"HOME": str(tmp_path)})
    assert [check.name for check in checks][: len(NAMES)] == NAMES
    found = _by_name(checks)
    assert found["Docker daemon"].state == "missing" and "Not installed: dockerd" in found["Docker daemon"].found
    assert found["runsc"] == Check("runsc", "missing", "not installed", "workbench setup")
    assert {found[name].state for name in NAMES[5:]} == {"skipped"}
    assert found["model"].state == "warning" and str(found["model"].mend).startswith("export ANTHROPIC_API_KEY")
    assert found["disk"].state in {"ok", "warning", "failed"}
    assert all(check.mend for check in checks if check.state in {"missing", "failed"})


def test_a_key_is_named_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    environment = {"ANTHROPIC_API_KEY": "sk-secret", "ANTHROPIC_BASE_URL": "http://u:pw@127.0.0.1:1/x"}
    model = _by_name(diagnose(tmp_path, environment=environment))["model"]
    assert model.state == "ok" and "ANTHROPIC_API_KEY" in model.found and "127.0.0.1:1" in model.found
    assert "sk-secret" not in model.found and "pw" not in model.found


def test_little_room_is_a_warning_and_none_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for free, state in ((10 << 30, "ok"), (2 << 30, "warning"), (1 << 20, "failed")):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: type("Usage", (), {"free": free}))
        assert _by_name(diagnose(tmp_path, environment={}))["disk"].state == state


@pytest.mark.docker
def test_on_a_machine_that_is_set_up_everything_is_proven(tmp_path: Path) -> None:
    found = _by_name(diagnose(tmp_path, environment={"ANTHROPIC_API_KEY": "x"}))
    assert {found[name].state for name in NAMES if name in found} == {"ok"}, found
    assert "Starting gVisor" in found["gVisor proven"].found
    assert "Python 3." in found["base image"].found


@pytest.mark.docker
def test_a_runtime_that_is_none(tmp_path: Path) -> None:
    found = _by_name(diagnose(tmp_path, runtime="runc", environment={}))
    assert found["gVisor runtime"].state == "failed" and "runc" in found["gVisor runtime"].found
    assert found["gVisor proven"].state == "skipped"
