"""The table by which the guest's six tools are held against the vendor's own implementation, word for word.

A case is a tree of files and some calls. In paths and texts `{root}` stands for the folder of the tree, which has
`workspace`, `source` (read-only for the tools) and `outside` (out of their reach).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FILE_LIMIT = 256 * 1024
IMAGE_LIMIT = 5 * 1024 * 1024 // 4 * 3
PDF_LIMIT = 20 * 1024 * 1024


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Sparse:
    """A file of that many bytes, all zero."""

    size: int


@dataclass(frozen=True)
class Mode:
    """A file or folder with these permissions."""

    mode: int
    content: str | None = None


class Fifo:
    """A named pipe."""


Node = str | bytes | Link | Sparse | Mode | Fifo | None
"""What is at a path; None is a folder."""
Call = tuple[str, dict[str, Any]]
Results = Sequence[tuple[Any, bool]]
"""Of each call: its text, or its content blocks, and whether it is an error."""


@dataclass(frozen=True)
class Difference:
    """Where the guest means to differ: why, what the reference gives and what the guest gives."""

    why: str
    theirs: Callable[[Results], bool]
    ours: Callable[[Results], bool]


@dataclass(frozen=True)
class Case:
    """One line of the table. `normal` makes results comparable whose order is not fixed."""

    name: str
    calls: Sequence[Call]
    tree: Mapping[str, Node] = field(default_factory=dict)
    normal: Callable[[Results], Any] = list
    difference: Difference | None = None
    without_source: bool = False


def read(path: str, *view_range: Any) -> Call:
    return ("read", {"file_path": path, "view_range": list(view_range)} if view_range else {"file_path": path})


def write(path: str, content: str) -> Call:
    return ("write", {"file_path": path, "content": content})


def edit(path: str, old: str, new: str, **more: Any) -> Call:
    return ("edit", {"file_path": path, "old_string": old, "new_string": new, **more})


def glob(pattern: str, path: str | None = None) -> Call:
    return ("glob", {"pattern": pattern} if path is None else {"pattern": pattern, "path": path})


def grep(pattern: str, path: str | None = None) -> Call:
    return ("grep", {"pattern": pattern} if path is None else {"pattern": pattern, "path": path})


def bash(command: str, **more: Any) -> Call:
    return ("bash", {"command": command, **more})


def flood(command: str, then: str = "true") -> Call:
    """A flood, and a pause: the reference loses the exit code where a piece that it reads ends within its mark."""
    return bash(f"{command}; sleep 0.2; {then}")


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def sorted_lines(results: Results) -> Any:
    return [(sorted(text.split("\n")) if isinstance(text, str) else text, failed) for text, failed in results]


def without_process_ids(results: Results) -> Any:
    return [(re.sub(r"line (\d+): +\d+ Killed", r"line \1: Killed", text), failed) for text, failed in results]


def shape_only(results: Results) -> Any:
    """Results whose lines come in no fixed order and are cut somewhere."""
    return [(len(text), text.rsplit("\n", 1)[-1], failed) for text, failed in results]


UNICODE = "Grüße, 世界! 👩‍🚀 e\u0301 \u2028 end\n"
LINES = "".join(f"line {number}\n" for number in range(1, 11))
LARGE = "".join(f"{number:07}\n" for number in range(1, 40_001))
WS = "{root}/workspace"
PLAIN: Mapping[str, Node] = {
    "workspace/a.txt": "alpha\nbeta\n",
    "source/s.txt": "source\n",
    "outside/o.txt": "secret\n",
}
LOOPING: Mapping[str, Node] = {"workspace/one": Link("two"), "workspace/two": Link("one")}
LINKED: Mapping[str, Node] = {
    **PLAIN,
    "workspace/inside": Link("a.txt"),
    "workspace/absolute": Link("{root}/workspace/a.txt"),
    "workspace/to_source": Link("../source/s.txt"),
    "workspace/out": Link("../outside/o.txt"),
    "workspace/outdir": Link("{root}/outside"),
    "workspace/dangling": Link("missing.txt"),
    "workspace/dangling_out": Link("../outside/missing.txt"),
    "workspace/etc": Link("/etc/hostname"),
    "workspace/chain1": Link("chain2"),
    "workspace/chain2": Link("inside"),
}
TREE: Mapping[str, Node] = {
    "workspace/a.py": "import os\nprint('alpha')\n",
    "workspace/b.txt": "alpha beta\nALPHA\n",
    "workspace/.hidden/c.py": "alpha hidden\n",
    "workspace/src/d.py": "def alpha():\n    return 'ü'\n",
    "workspace/src/deep/e.py": "alpha\r\nbeta\r\n",
    "workspace/src/näme.py": "alpha\n",
    "workspace/node_modules/m/f.py": "alpha module\n",
    "workspace/.git/config": "alpha git\n",
    "workspace/binary.bin": b"alpha\0\1\2alpha\n",
    "workspace/latin1.txt": b"alpha \xe9\n",
    "workspace/empty.txt": "",
    "workspace/pipe": Fifo(),
    "workspace/link.py": Link("a.py"),
    "workspace/linkdir": Link("src"),
    "workspace/outdir": Link("../outside"),
    "workspace/dangling": Link("nowhere"),
    "source/s.py": "alpha source\n",
    "outside/o.py": "alpha outside\n",
}
