from __future__ import annotations

import contextlib
import os
import tarfile

import pytest

from workbench.sandbox.base_image import (
    dockerfile_only,
    find_base,
    image_details,
    names_for,
    registry_trouble,
    work_folder,
)
from workbench.sandbox.base_recipe import LATEST
from workbench.sandbox.daemon import connect
from workbench.sandbox.distribution import Host, read_host
from workbench.sandbox.runtimes import run_in_container

INSIDE = """
set -e
python3 -c 'import ssl, sqlite3, venv, ctypes, lzma'
for program in bash git curl rg jq ps file less unzip make patch node npm npx pip; do
  command -v $program >/dev/null
done
node -e 'console.log(process.version)'
npm --version >/dev/null
id -u agent; stat -c %U /workspace /source
test -z "$(find / -xdev -type f -perm /6000 2>/dev/null)"
test ! -e /usr/lib/python3*/EXTERNALLY-MANAGED
python3 -c 'import json; assert json.__cached__ and __import__("os").path.exists(json.__cached__), "not compiled"'
grep -rhoE '^URIs: .*' /etc/apt/sources.list.d
"""


def test_a_system_without_apt_has_the_names_of_bookworm() -> None:
    fedora = Host("Linux", "x86_64", "6.1", "Fedora", ("fedora",))
    debian = Host("Linux", "x86_64", "6.1", "Debian", ("debian",), "bookworm")
    assert names_for(fedora) == names_for(debian)


def test_a_context_of_one_file() -> None:
    with tarfile.open(fileobj=dockerfile_only("FROM scratch\n")) as tar:
        assert tar.getnames() == ["Dockerfile"]


def test_the_work_folder_is_gone_afterwards() -> None:
    with work_folder() as folder:
        (folder / "file").write_text("x")
        left = folder.with_name("agent-workbench-work-left-by-a-crash")
        left.mkdir()
        os.utime(left, (1, 1))
    assert not folder.exists()
    with work_folder():
        assert not left.exists()


@pytest.mark.docker
def test_the_base_image_has_what_agents_need() -> None:
    with contextlib.closing(connect(60)) as client:
        base = find_base(client, read_host())
        assert base, "run `workbench setup` first"
        latest = image_details(client, LATEST)
        assert latest and latest["Size"] < 450_000_000
        assert "Python 3." in base.note and "Node 22" in base.note
        output = run_in_container(client, base.id, ["bash", "-c", INSIDE], timeout=120).split("\n")
        assert output[0].startswith("v22.")
        assert output[1:4] == ["1000", "agent", "agent"]
        assert all("@" not in line for line in output)


@pytest.mark.docker
def test_the_registry_is_asked_through_the_daemon() -> None:
    with contextlib.closing(connect(60)) as client:
        trouble = registry_trouble(client)
        assert trouble is None or len(trouble.splitlines()) == 1
        assert image_details(client, "no-such-image-xyz:1") is None
