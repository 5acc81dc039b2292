"""The tools glob and grep, with the limits and words of the vendor's implementation."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import stat
import subprocess
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .paths import Roots, canonical, within
from .results import ToolError, ToolResult, text_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from .processes import ToolUser

GLOB_LIMIT = 200
"""Paths that glob answers with."""
WALK_LIMIT = 50_000
"""Files that a search looks at."""
GREP_LIMIT = 100 * 1024
"""Characters of grep's output."""
LINE_LIMIT = 2000
"""Bytes of a line that the built-in search looks into: a pattern that backtracks takes for ever on longer ones."""
CPU_LIMIT = 30
"""Seconds of CPU that the built-in search may use."""
_SKIPPED = (".git", "node_modules")
_NO_MATCHES = "no matches"
_TRUNCATED = f"[output truncated at {GREP_LIMIT} bytes]"
_KEPT_ERRORS = 64 * 1024


def glob(roots: Roots, pattern: str, path: str | None) -> ToolResult:
    """The paths that match a pattern, newest first.

    Raises:
        ToolError: the pattern or path may not be used.
    """
    if Path(pattern).is_absolute():
        raise ToolError("glob: absolute pattern not permitted; pass a relative pattern (and optionally path)")
    if ".." in PurePosixPath(pattern).parts:
        raise ToolError("glob: '..' is not permitted in the pattern")
    root = _search_root(roots, "glob", path)
    try:
        matches = list(islice(root.glob(pattern), WALK_LIMIT))
    except (ValueError, OSError) as error:
        raise ToolError(f"glob: {error}") from error
    matches = list(_confined(matches, root))
    if not matches:
        return text_result(_NO_MATCHES)
    matches.sort(key=_modified, reverse=True)
    found = "\n".join(str(match) for match in matches[:GLOB_LIMIT])
    return text_result(found, truncated=len(matches) > GLOB_LIMIT)


def grep(roots: Roots, pattern: str, path: str | None, user: ToolUser, env: dict[str, str]) -> ToolResult:
    """The lines that match a regular expression, found by `rg` where there is one, else by Python.

    Raises:
        ToolError: the pattern or path cannot be used, or the search fails.
    """
    search = _search_root(roots, "grep", path)
    program = _ripgrep(roots, env)
    if program is not None and not _is_special(search):
        return _grep_with_ripgrep(program, pattern, search, user, env)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ToolError(f"grep: invalid regex: {error}") from error
    with _cpu_limit():
        return _Walk(expression).search(search)


def _search_root(roots: Roots, tool: str, path: str | None) -> Path:
    if not path:
        return roots.workspace.resolve()
    try:
        return roots.resolve(path)
    except ValueError as error:
        raise ToolError(f"{tool}: {error}") from error


def _confined(matches: Iterable[Path], root: Path) -> Iterator[Path]:
    """The matches that really are inside the root: a pattern may have gone through a link."""
    for match in matches:
        with contextlib.suppress(OSError):
            if within(canonical(match), root):
                yield match


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _ripgrep(roots: Roots, env: dict[str, str]) -> str | None:
    """The first `rg` on the PATH that the file tools could not have written."""
    for entry in os.get_exec_path(env):
        if Path(entry).is_absolute():
            found = shutil.which("rg", path=entry)
            if found and not roots.may_reach(found):
                return found
    return None


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or device, on which ripgrep could wait for ever; the built-in search passes it over."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _grep_with_ripgrep(program: str, pattern: str, search: Path, user: ToolUser, env: dict[str, str]) -> ToolResult:
    process = subprocess.Popen(
        [program, "--no-config", "-n", "--no-heading", "-e", pattern, "--", str(search)],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=user.become,  # noqa: PLW1509 - the worker has no threads
    )
    with process:
        output, errors = _drained(process)
    if process.returncode == 1:
        return text_result(_NO_MATCHES)
    if process.returncode != 0:
        raise ToolError(f"grep: rg failed: {errors.decode(errors='replace')}")
    text = output.decode(errors="replace")
    if len(text) > GREP_LIMIT:
        return text_result(f"{text[:GREP_LIMIT]}\n{_TRUNCATED}", truncated=True)
    return text_result(text)


def _drained(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Standard output and error to their ends, of which only as much is kept as can be shown."""
    assert process.stdout is not None
    assert process.stderr is not None
    kept = {process.stdout: bytearray(), process.stderr: bytearray()}
    most = {process.stdout: 4 * (GREP_LIMIT + 1), process.stderr: _KEPT_ERRORS}  # at most 4 bytes are a character
    with selectors.DefaultSelector() as selector:
        for pipe in kept:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                piece = os.read(key.fd, 64 * 1024)
                for pipe in kept:
                    if pipe is key.fileobj:
                        kept[pipe] += piece[: most[pipe] - len(kept[pipe])]
                if not piece:
                    selector.unregister(key.fileobj)
    return bytes(kept[process.stdout]), bytes(kept[process.stderr])


@contextlib.contextmanager
def _cpu_limit() -> Iterator[None]:
    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise ToolError(f"grep: timed out after {CPU_LIMIT}s")

    before = signal.signal(signal.SIGVTALRM, expire)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class _Walk:
    """The built-in search of files and folders, up to the limits."""

    def __init__(self, expression: re.Pattern[str]) -> None:
        self._expression = expression
        self._hits: list[str] = []
        self._room = GREP_LIMIT
        self._seen = 0

    def search(self, start: Path) -> ToolResult:
        if start.is_file():
            self._scan(start)
        else:
            self._scan_folder(start)
        return text_result("\n".join(self._hits) if self._hits else _NO_MATCHES, truncated=self._room < 0)

    def _scan_folder(self, start: Path) -> None:
        for folder, folders, names in os.walk(start):
            here = Path(folder)
            folders[:] = [name for name in folders if name not in _SKIPPED and not (here / name).is_symlink()]
            for name in names:
                file = here / name
                if file.is_symlink() or not file.is_file():
                    continue
                self._seen += 1
                if self._seen > WALK_LIMIT or not self._scan(file):
                    return

    def _scan(self, path: Path) -> bool:
        """Search one file; False if the limit of the output is reached."""
        with contextlib.suppress(OSError), path.open("rb") as file:
            if b"\x00" in file.read(512):
                return True
            file.seek(0)
            for number, raw in enumerate(file, 1):
                if len(raw) > LINE_LIMIT:
                    continue
                line = raw.decode(errors="replace").rstrip("\r\n")
                if self._expression.search(line) and not self._keep(f"{path}:{number}:{line}"):
                    return False
        return True

    def _keep(self, hit: str) -> bool:
        self._room -= len(hit) + 1
        self._hits.append(hit if self._room >= 0 else _TRUNCATED)
        return self._room >= 0
