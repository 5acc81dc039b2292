from __future__ import annotations

from pathlib import Path

import pytest

from workbench.sandbox import guest, guest_files


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "installed"
    (folder / "inner").mkdir(parents=True)
    for file in (folder / "__init__.py", folder / "inner" / "part.py"):
        file.write_text(f"# {file.name}")
    monkeypatch.setattr(guest, "__file__", str(folder / "__init__.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_files_that_all_may_read_are_used_where_they_are(package: Path) -> None:
    assert guest_files.guest_folder() == package


def test_files_that_only_their_owner_may_read_are_copied(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_files, "_readable", lambda path: path.name != "part.py")
    copy = guest_files.guest_folder()
    assert copy != package
    assert (copy / "inner" / "part.py").read_text() == "# part.py"
    assert (copy / "inner").stat().st_mode & 0o777 == 0o755
    assert (copy / "inner" / "part.py").stat().st_mode & 0o777 == 0o644
    assert guest_files.guest_folder() == copy
    (package / "inner" / "part.py").write_text("# changed")
    assert guest_files.guest_folder() != copy


def test_what_root_owns_root_may_read(package: Path) -> None:
    private = package / "inner" / "part.py"
    private.chmod(0o600)
    assert guest_files._readable(private) == (private.stat().st_uid == 0)


def test_the_real_guest_can_be_mounted() -> None:
    assert (guest_files.guest_folder() / "__main__.py").is_file()
