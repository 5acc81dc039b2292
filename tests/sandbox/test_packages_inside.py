from __future__ import annotations

import ast
import json
import os
import tarfile
from pathlib import Path

import pytest

from workbench.sandbox import packages_inside
from workbench.sandbox.packages_inside import copy_npm, has_scripts, pack, tree


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    monkeypatch.setattr(packages_inside, "VOLUME", folder)
    return folder


def test_an_old_python_can_read_it() -> None:
    ast.parse(Path(packages_inside.__file__).read_text(), feature_version=(3, 7))


def test_only_what_changed_is_packed_and_no_rights_of_others(tmp_path: Path, volume: Path) -> None:
    root = tmp_path / "root"
    (root / "gone/deep").mkdir(parents=True)
    (root / "gone/deep/file").write_text("x")
    (root / "same").write_text("x")
    (root / "changed").write_text("x")
    before = tree(str(root))
    os.utime(root / "changed")
    (root / "changed").write_text("y")
    (root / "gone/deep/file").unlink()
    (root / "gone/deep").rmdir()
    (root / "gone").rmdir()
    (root / "new").mkdir()
    (root / "new/setuid").write_text("x")
    (root / "new/setuid").chmod(0o6755)
    (root / "new/link").symlink_to("/etc/passwd")
    os.mkfifo(root / "new/pipe")
    pack(before, tree(str(root)))
    with tarfile.open(volume / "layer.tar") as tar:
        entries = {Path(entry.name).name: entry for entry in tar}
    assert set(entries) == {"changed", "new", "setuid", "link"}
    assert entries["setuid"].mode == 0o755
    assert entries["link"].linkname == "/etc/passwd"
    assert json.loads((volume / "deleted.json").read_text()) == [str(root / "gone")]


def test_a_file_whose_times_were_set_back_is_still_new(tmp_path: Path, volume: Path) -> None:
    file = tmp_path / "root/file"
    file.parent.mkdir()
    file.write_text("a")
    seen = file.stat()
    before = tree(str(file.parent))
    file.write_text("b")
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    pack(before, tree(str(file.parent)))
    with tarfile.open(volume / "layer.tar") as tar:
        assert [Path(name).name for name in tar.getnames()] == ["file"]


def test_npm_packages_go_over_what_is_there(tmp_path: Path) -> None:
    source, prefix = tmp_path / "from", tmp_path / "to"
    package = source / "lib/node_modules/@scope/tool"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text('{"scripts": {"postinstall": "x", "test": "y"}}')
    (package / "bin/tool.js").write_text("new")
    (source / "bin").mkdir()
    (source / "bin/tool").symlink_to("../lib/node_modules/@scope/tool/bin/tool.js")
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/tool").symlink_to("/nowhere")
    (prefix / "bin/node").write_text("node")
    assert copy_npm(source, prefix) == {"tool"}
    assert (prefix / "bin/tool").read_text() == "new"
    assert (prefix / "bin/node").read_text() == "node"


@pytest.mark.parametrize(
    ("parent", "content", "more", "wanted"),
    [
        ("node_modules", '{"scripts": {"install": "x"}}', [], True),
        ("node_modules", '{"scripts": {"test": "x"}}', [], False),
        ("node_modules", "{}", ["binding.gyp"], True),
        ("node_modules", "not json", [], False),
        ("node_modules", "[]", [], False),
        ("src", '{"scripts": {"install": "x"}}', [], False),
    ],
)
def test_which_packages_want_to_run_something(
    tmp_path: Path, parent: str, content: str, more: list[str], wanted: bool
) -> None:
    folder = tmp_path / parent / "package"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(content)
    for name in more:
        (folder / name).touch()
    assert has_scripts(folder) is wanted
