"""Packages that are made here, so that no registry is needed: a wheel, and a Debian package that looks around."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from workbench.sandbox.base_image import find_base
from workbench.sandbox.daemon import ask_daemon, connect
from workbench.sandbox.distribution import read_host
from workbench.sandbox.leftovers import temporary_labels
from workbench.sandbox.ownership import OWNER_LABEL
from workbench.sandbox.package_build import PackageImage, image_with_packages
from workbench.sandbox.package_client_config import ClientConfig, host_client_config
from workbench.sandbox.package_specs import PackageError, PackageList
from workbench.sandbox.runtimes import run_in_container

pytestmark = pytest.mark.docker

POSTINST = """#!/bin/sh
dmesg 2>/dev/null | head -n 1 >/opt/seen
cat /proc/net/route | wc -l >>/opt/seen
ls /agent-workbench-job >>/opt/seen
chmod u+s /opt/tool
rm -rf /usr/share/perl5/Debconf/Question.pm
"""


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def _deb(control: str) -> bytes:
    """A Debian package: an ar archive of three members (man deb)."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"control": control, "postinst": POSTINST}),
        "data.tar.gz": _tar({"opt/tool": "#!/bin/sh\necho tool\n"}),
    }
    archive = b"!<arch>\n"
    for name, data in members.items():
        archive += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return archive


@pytest.fixture
def registry(tmp_path: Path) -> ClientConfig:
    """A folder with one package of each kind, as this machine's only registry."""
    tmp_path.chmod(0o755)
    control = f"Package: looker\nVersion: 1.{uuid4().int}\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
    deb = _deb(control)
    (tmp_path / "looker.deb").write_bytes(deb)
    index = f"{control}Filename: ./looker.deb\nSize: {len(deb)}\nSHA256: {hashlib.sha256(deb).hexdigest()}\n"
    (tmp_path / "Packages").write_text(index)
    with zipfile.ZipFile(tmp_path / "tiny_wheel-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_wheel.py", "ANSWER = 42\n")
        wheel.writestr("tiny_wheel-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.0\n")
        wheel.writestr(
            "tiny_wheel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_wheel-1.0.dist-info/RECORD", "")
    host = read_host()
    found = host_client_config(host, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}, tmp_path)
    files = {**found.files, "apt.sources": f"Types: deb\nURIs: copy:{tmp_path}\nSuites: ./\nTrusted: yes\n".encode()}
    return ClientConfig(files, found.env, (tmp_path,), (), False, host.codename)


class Builder:
    """Builds images on the base image, and removes them."""

    def __init__(self) -> None:
        self.client = connect(60)
        self.facts = ask_daemon(self.client)
        base = find_base(self.client, read_host())
        assert base, "run `workbench setup` first"
        self.base = base.id
        self.made: list[str] = []
        self.lines: list[str] = []

    def build(self, packages: PackageList, config: ClientConfig) -> PackageImage:
        image = image_with_packages(self.base, packages, config, self.facts, self.lines.append)
        self.made.append(image.name)
        return image

    def run(self, image: PackageImage, script: str) -> str:
        return run_in_container(self.client, image.id, ["sh", "-c", script])


@pytest.fixture
def builder() -> Iterator[Builder]:
    made = Builder()
    yield made
    for name in set(made.made):
        made.client.images.remove(name)
    made.client.close()


def test_what_a_package_runs_sees_gvisor_and_neither_network_nor_configuration(
    builder: Builder, registry: ClientConfig
) -> None:
    image = builder.build(PackageList(apt=("looker",), pip=("tiny-wheel",)), registry)
    assert "in gVisor" in image.note
    seen = builder.run(image, "cat /opt/seen").splitlines()
    assert "Starting gVisor" in seen[0]
    assert int(seen[1]) <= 1, "a header and no route"
    assert set(seen[2:]) == {"job.json", "packages_inside.py"}
    assert "42" in builder.run(image, "/opt/tool && python3 -c 'import tiny_wheel; print(tiny_wheel.ANSWER)'")
    assert builder.run(image, "find / -xdev -perm /6000 -type f 2>/dev/null | wc -l").strip() == "0"
    gone = builder.run(image, "ls -d /agent-workbench* /usr/share/perl5/Debconf/Question.pm 2>&1 | grep -c 'No such'")
    assert gone.strip() == "2", "what was removed is gone, and nothing of ours stays"
    own = f"{OWNER_LABEL}={temporary_labels('packages')[OWNER_LABEL]}"
    assert not builder.client.volumes.list(filters={"label": own})
    assert not builder.client.containers.list(all=True, filters={"label": own})

    builder.lines.clear()
    again = builder.build(PackageList(apt=("looker",), pip=("tiny-wheel",)), registry)
    assert (again.id, again.note) == (image.id, image.note)
    assert builder.lines == [], "found, not built"


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        (PackageList(pip=("tiny-wheel", "no-such-wheel==3")), "container.packages.pip: no-such-wheel==3"),
        (PackageList(apt=("looker", "no-such-deb")), "container.packages.apt: no-such-deb"),
        (PackageList(apt=("looker=0.1",)), "container.packages.apt: looker=0.1"),
    ],
)
def test_a_failure_names_the_package(
    builder: Builder, registry: ClientConfig, packages: PackageList, said: str
) -> None:
    with pytest.raises(PackageError) as failed:
        builder.build(packages, registry)
    assert said in str(failed.value).splitlines()[0]
