from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from workbench.definition.agent import ContainerSettings
from workbench.sandbox import image as module
from workbench.sandbox.base_image import dockerfile_only, find_base
from workbench.sandbox.base_recipe import LABEL_KIND, LABEL_PARENT, LATEST
from workbench.sandbox.daemon import connect
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.image import ImageRef, resolve_image, unused_images
from workbench.sandbox.package_specs import PackageError
from workbench.sandbox.sandbox import SandboxError

OLD_PYTHON = "cd /usr/local/bin && printf '#!/bin/sh\\necho 3 6\\n' >python3 && chmod +x python3"
HOST = Host("Linux", "x86_64", "6.1", "Debian", ("debian",), "bookworm")


def test_wrong_package_names_are_told_before_docker_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(PackageError):
        resolve_image(ContainerSettings(pip=["--evil"]), tmp_path)
    with pytest.raises(SandboxError, match="No Docker daemon answers"):
        resolve_image(ContainerSettings(), tmp_path)


class _Images:
    """A daemon that has these images."""

    def __init__(self, images: list[dict[str, Any]]) -> None:
        self.api = self
        self._images = images

    def images(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        return self._images


def _image(identity: str, kind: str, parent: str = "", tag: str | None = None) -> dict[str, Any]:
    labels = {LABEL_KIND: kind, LABEL_PARENT: parent}
    return {"Id": identity, "Labels": labels, "RepoTags": [tag] if tag else None, "Size": 5}


def test_only_what_stands_on_an_old_recipe_is_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "image_details", lambda client, name: {"Id": "new"})
    images = [
        _image("new", "base", tag="agent-workbench/base:new"),
        _image("old", "base", tag="agent-workbench/base:old"),
        _image("older", "base"),
        _image("on-new", "packages", "new", "agent-workbench/packages:a"),
        _image("on-old", "packages", "old", "agent-workbench/packages:b"),
        _image("on-users-own", "packages", "foreign", "agent-workbench/packages:c"),
        _image("scratch", "dockerfile", "", "agent-workbench/dockerfile:d"),
        _image("both", "dockerfile", "new,old", "agent-workbench/dockerfile:e"),
        _image("kept", "packages", "old", "agent-workbench/packages:f"),
    ]
    unused = unused_images(_Images(images), HOST, keep=["kept"])  # type: ignore[arg-type]
    assert {image.id for image in unused} == {"old", "older", "on-old", "both"}
    assert {image.name for image in unused if image.id == "older"} == {"older"}
    assert all(image.why and image.size == 5 for image in unused)


@pytest.mark.parametrize(
    ("why", "hint"),
    [
        ("manifest unknown", "docker login"),
        ("pull access denied for x, repository does not exist", "docker login"),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', "cannot be reached"),
        ("x509: certificate signed by unknown authority", "cannot be reached"),
        ("toomanyrequests", "docker pull"),
    ],
)
def test_a_failed_pull_says_what_to_do(why: str, hint: str) -> None:
    text = module._pull_failure("r/x:1", why)
    assert "r/x:1" in text and why in text and hint in text


@pytest.mark.docker
def test_without_settings_it_is_the_base_image(tmp_path: Path) -> None:
    image = resolve_image(ContainerSettings(), tmp_path)
    with contextlib.closing(connect()) as client:
        base = find_base(client, read_host())
    assert base and image == ImageRef(base.name, base.id, base.note)


@pytest.mark.docker
def test_a_local_image_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    image = resolve_image(ContainerSettings(image=LATEST), tmp_path)
    assert image.name == LATEST
    checked = list((tmp_path / "agent-workbench/python-checked").iterdir())
    assert [file.name for file in checked] == [image.id.removeprefix("sha256:")]
    assert resolve_image(ContainerSettings(image=image.id), tmp_path).id == image.id


@pytest.mark.docker
def test_an_image_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"container\.image: no-such-registry\.invalid/x:1 is not a local image"):
        resolve_image(ContainerSettings(image="no-such-registry.invalid/x:1"), tmp_path)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM scratch\nCOPY Dockerfile /\n", "has no python3 that runs"),
        (f"FROM {LATEST}\nRUN {OLD_PYTHON}\n", "has Python 3.6; the guest needs 3."),
    ],
)
def test_an_image_whose_python_cannot_run_the_guest(tmp_path: Path, text: str, said: str) -> None:
    name = f"agent-workbench-test:{uuid4().hex[:8]}"
    with contextlib.closing(connect(180)) as client:
        client.images.build(fileobj=dockerfile_only(text), custom_context=True, tag=name, rm=True)
        try:
            with pytest.raises(SandboxError) as refused:
                resolve_image(ContainerSettings(image=name), tmp_path)
            assert said in str(refused.value) and name in str(refused.value)
        finally:
            client.images.remove(name)


@pytest.mark.docker
def test_a_dockerfile_beside_the_agent(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image/Dockerfile").write_text(f"FROM {LATEST}\nENV X={uuid4().hex}\n")
    image = resolve_image(ContainerSettings(dockerfile=Path("image/Dockerfile")), tmp_path)
    try:
        assert image.name.startswith("agent-workbench/dockerfile:")
        assert "Dockerfile" in image.note
    finally:
        with contextlib.closing(connect(180)) as client:
            client.images.remove(image.name)
