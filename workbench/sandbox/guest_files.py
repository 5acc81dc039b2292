"""The guest's files on the host, as a folder that a sandbox can read."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from workbench.sandbox import guest
from workbench.sandbox.builder import cache_folder


def guest_folder() -> Path:
    """The folder to mount for the guest: the package's own, or a copy if only its owner may read it.

    The guest runs as root without the right to read everything, so with a strict umask it could not read our files.

    Raises:
        OSError: the copy could not be made.
    """
    package = Path(guest.__file__).parent.resolve()
    files = sorted(package.rglob("*.py"))
    folders = {file.parent for file in files}
    if all(_readable(path) for path in (*folders, *files)):
        return package
    return _copy(package, files)


def _readable(path: Path) -> bool:
    status = path.stat()
    wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(status.st_mode) else 0)
    return status.st_uid == 0 or status.st_mode & wanted == wanted


def _copy(package: Path, files: Sequence[Path]) -> Path:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    copy = cache_folder() / f"guest-{digest.hexdigest()[:16]}"
    if copy.is_dir():
        return copy
    unfinished = copy.with_name(f".{copy.name}-{secrets.token_hex(4)}")
    for file in files:
        target = unfinished / file.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
    return copy
