"""The table by which the guest's six tools are held against the vendor's own implementation, word for word.

A case is a tree of files and some calls. In paths and texts `{root}` stands for the folder of the tree, which has
`workspace`, `source` (read-only for the tools) and `outside` (out of their reach).
"""

from __future__ import annotations

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


def _read(path: str, *view_range: Any) -> Call:
    return ("read", {"file_path": path, "view_range": list(view_range)} if view_range else {"file_path": path})


def _write(path: str, content: str) -> Call:
    return ("write", {"file_path": path, "content": content})


def _edit(path: str, old: str, new: str, **more: Any) -> Call:
    return ("edit", {"file_path": path, "old_string": old, "new_string": new, **more})


def _glob(pattern: str, path: str | None = None) -> Call:
    return ("glob", {"pattern": pattern} if path is None else {"pattern": pattern, "path": path})


def _grep(pattern: str, path: str | None = None) -> Call:
    return ("grep", {"pattern": pattern} if path is None else {"pattern": pattern, "path": path})


def _bash(command: str, **more: Any) -> Call:
    return ("bash", {"command": command, **more})


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def _sorted_lines(results: Results) -> Any:
    return [(sorted(text.split("\n")) if isinstance(text, str) else text, failed) for text, failed in results]


def _shape_only(results: Results) -> Any:
    """Results whose lines come in no fixed order and are cut somewhere."""
    return [(len(text), text.rsplit("\n", 1)[-1], failed) for text, failed in results]


UNICODE = "Grüße, 世界! 👩‍🚀 e\u0301 \u2028 end\n"
LINES = "".join(f"line {number}\n" for number in range(1, 11))
LARGE = "".join(f"{number:07}\n" for number in range(1, 40_001))
WS = "{root}/workspace"
PLAIN: Mapping[str, Node] = {"workspace/a.txt": "alpha\nbeta\n", "source/s.txt": "source\n", "outside/o.txt": "secret\n"}
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


def _reading() -> list[Case]:
    media: Mapping[str, Node] = {
        "workspace/p.png": _png(),
        "workspace/p.JPG": b"\xff\xd8\xff\xe0 jpeg",
        "workspace/p.jpeg": b"jpeg",
        "workspace/p.gif": b"GIF89a",
        "workspace/p.webp": b"RIFF",
        "workspace/p.pdf": b"%PDF-1.7\n",
        "workspace/empty.png": b"",
        "workspace/p.svg": "<svg/>",
        "workspace/picture": Link("p.png"),
        "workspace/text.png": Link("note.txt"),
        "workspace/note.txt": "only text\n",
        "workspace/folder.png": None,
    }
    odd: Mapping[str, Node] = {
        "workspace/empty": "",
        "workspace/no_newline": "a\nb",
        "workspace/crlf": "a\r\nb\r\nc",
        "workspace/unicode": UNICODE,
        "workspace/bom": "\ufefftext\n",
        "workspace/nul": "a\0b\n",
        "workspace/invalid": b"ok\n\xff\xfe\n",
        "workspace/folder": None,
        "workspace/fifo": Fifo(),
        "workspace/näme 👍": "named\n",
        "workspace/new\nline": "odd name\n",
        "workspace/-rf": "dash\n",
    }
    ranges = ([1, 2], [2, 2], [0, 1], [-5, 2], [2, 0], [2, -1], [5, 3], [100, 200], [9, 100], [1], [1, 2, 3], [0, 0])
    large: Mapping[str, Node] = {
        "workspace/large": LARGE,
        "workspace/one_line": "x" * (FILE_LIMIT + 10),
        "workspace/mixed": b"first\n" + b"\xff\n" + b"x\n" * FILE_LIMIT,
        "workspace/crlf": "abc\r\n" * 100_000,
    }
    large_ranges = ([1, 3], [39_999, 40_000], [39_999, 0], [40_001, 0], [1, 0], [5, 3], [50_000, 60_000], [0, 2])
    return [
        Case("read", [_read("a.txt"), _read("./a.txt"), _read("x/../a.txt"), _read(f"{WS}/a.txt")], PLAIN),
        Case("read odd files", [_read(path.partition("/")[2]) for path in odd], odd),
        Case("read a range", [_read("lines", *view) for view in ranges], {"workspace/lines": LINES}),
        Case(
            "read a range of odd files",
            [_read("crlf", 2, 3), _read("no_newline", 2, 2), _read("empty", 1, 1), _read("unicode", 1, 1)],
            odd,
        ),
        Case(
            "read with an empty or no range",
            [("read", {"file_path": "a.txt", "view_range": []}), ("read", {"file_path": "a.txt", "view_range": None})],
            PLAIN,
        ),
        Case(
            "read at the limit",
            [_read("fits"), _read("exceeds"), _read("exceeds", 1, 1)],
            {"workspace/fits": "x" * FILE_LIMIT, "workspace/exceeds": "x" * FILE_LIMIT + "\n"},
        ),
        Case("read a large file", [_read("large"), *(_read("large", *view) for view in large_ranges)], large),
        Case("read a long line", [_read("one_line", 1, 1), _read("one_line", 1, 2), _read("one_line", 2, 2)], large),
        Case("read large odd files", [_read("mixed", 1, 1), _read("mixed", 2, 2), _read("crlf", 2, 3)], large),
        Case("read a huge file", [_read("huge"), _read("huge", 1, 1), _read("huge", 0, 0)], {"workspace/huge": Sparse(1 << 33)}),
        Case(
            "read what is not there",
            [_read(path) for path in ("missing", "missing/deeper", "a.txt/b", "a.txt/", "", ".", "x" * 300, "a\0b", "~/x")],
            PLAIN,
        ),
        Case(
            "read out of reach",
            [_read(path) for path in ("{root}/outside/o.txt", "../outside/o.txt", "/etc/passwd", "/", "..", "../workspacex")],
            PLAIN,
        ),
        Case("read without a source", [_read("/etc/passwd"), _read("{root}/source/s.txt")], PLAIN, without_source=True),
        Case("read the source", [_read("{root}/source/s.txt"), _read("../source/s.txt")], PLAIN),
        Case("read through links", [_read(path.partition("/")[2]) for path in LINKED if "workspace/" in path], LINKED),
        Case("read through links to folders", [_read("outdir/o.txt"), _read("outdir/missing"), _read("outdir")], LINKED),
        Case("read through a loop", [_read("one"), _read("one/x"), _read("two/../one")], LOOPING),
        Case(
            "read through many links",
            [_read("l0"), _read("l10")],
            {**{f"workspace/l{n}": Link(f"l{n + 1}") for n in range(50)}, "workspace/l50": "end\n"},
        ),
        Case(
            "read through many dangling links",
            [_read("l0"), _read("l20")],
            {f"workspace/l{n}": Link(f"l{n + 1}") for n in range(50)},
        ),
        Case("read without permission", [_read("locked"), _read("closed/x")], {"workspace/locked": Mode(0, "x"), "workspace/closed": Mode(0)}),
        Case("read images and PDFs", [_read(path.partition("/")[2]) for path in media], media),
        Case("read a range of an image", [_read("p.png", 1, 2), _read("p.pdf", 1, 2)], media),
        Case(
            "read media at their limits",
            [_read(name) for name in ("most.png", "more.png", "more.pdf")],
            {
                "workspace/most.png": Sparse(IMAGE_LIMIT),
                "workspace/more.png": Sparse(IMAGE_LIMIT + 1),
                "workspace/more.pdf": Sparse(PDF_LIMIT + 1),
            },
        ),
    ]


def _writing() -> list[Case]:
    return [
        Case("write", [_write("new.txt", "hello\n"), _read("new.txt"), _write("new.txt", ""), _read("new.txt")]),
        Case("write deep", [_write("x/y/z.txt", "deep"), _read("x/y/z.txt"), _write(f"{WS}/x/y/w", "w"), _glob("**/*")], normal=_sorted_lines),
        Case("write unicode", [_write("u", UNICODE), _read("u"), _write("näme", "ü"), _write("crlf", "a\r\nb\n"), _read("crlf")]),
        Case("write a megabyte", [_write("big", "äöü\n" * 250_000), _read("big", 1, 1)]),
        Case("write the source", [_write("{root}/source/s.txt", "x"), _write("../source/new", "x"), _write("to_source", "x")], LINKED),
        Case("write out of reach", [_write("../outside/n", "x"), _write("/etc/n", "x"), _write("outdir/n", "x")], LINKED),
        Case(
            "write through links",
            [_write("inside", "1"), _read("a.txt"), _write("dangling", "2"), _read("missing.txt"), _write("dangling_out", "3"), _write("out", "4")],
            LINKED,
        ),
        Case("write through a loop", [_write("one", "x"), _write("one/x", "x")], LOOPING),
        Case("write over a folder or below a file", [_write("d", "x"), _write("a.txt/b", "x"), _write("", "x"), _write(".", "x")], {**PLAIN, "workspace/d": None}),
        Case("write odd names", [_write("x" * 300, "x"), _write("a\0b", "x"), _write("tab\tname", "x"), _read("tab\tname")]),
        Case(
            "write without permission",
            [_write("locked", "x"), _write("closed/new", "x"), _write("closed/deep/new", "x")],
            {"workspace/locked": Mode(0o444, "old"), "workspace/closed": Mode(0o555)},
        ),
        Case("edit", [_edit("a.txt", "alpha", "gamma"), _read("a.txt"), _edit("a.txt", "alpha", "x")], PLAIN),
        Case(
            "edit several",
            [_edit("n", "a", "b"), _edit("n", "a", "b", replace_all=False), _edit("n", "a", "b", replace_all=True), _read("n"), _edit("n", "a", "b", replace_all=True)],
            {"workspace/n": "a.a.a\n"},
        ),
        Case("edit once with replace_all", [_edit("a.txt", "alpha", "x", replace_all=True), _read("a.txt")], PLAIN),
        Case(
            "edit oddly",
            [_edit("a.txt", "alpha", "alpha"), _edit("a.txt", "", "x"), _edit("empty", "", "x"), _read("empty"), _edit("a.txt", "", "-", replace_all=True), _read("a.txt")],
            {**PLAIN, "workspace/empty": ""},
        ),
        Case("edit overlapping", [_edit("n", "aa", "b"), _edit("n", "aa", "b", replace_all=True), _read("n")], {"workspace/n": "aaaaa"}),
        Case(
            "edit lines and unicode",
            [_edit("u", "Grüße, 世界", "Hallo"), _edit("u", "👩‍🚀 e\u0301", "x\ny"), _read("u"), _edit("crlf", "a\nb", "x"), _edit("crlf", "a\r\nb", "x"), _read("crlf")],
            {"workspace/u": UNICODE, "workspace/crlf": "a\r\nb\r\n"},
        ),
        Case(
            "edit what cannot be edited",
            [_edit(path, "x", "y") for path in ("invalid", "large", "folder", "fifo", "missing", "{root}/source/s.txt", "out", "/etc/hostname", "p.png", "a.txt/x")],
            {**LINKED, "workspace/invalid": b"x\xff", "workspace/large": LARGE, "workspace/folder": None, "workspace/fifo": Fifo(), "workspace/p.png": b"\x89x"},
        ),
        Case("edit without permission", [_edit("locked", "old", "x"), _edit("unread", "old", "x")], {"workspace/locked": Mode(0o444, "old"), "workspace/unread": Mode(0, "old")}),
    ]


def _globbing() -> list[Case]:
    patterns = ("*", "*.py", "**/*.py", "**", "**/*", "src/*", "?.py", "[ab].*", "*.rs", ".*", "*/", "src/../a.py", "..", "/etc/*", "", ".", "**x", "***", "[", "linkdir/*", "outdir/*", "*/*.py", "SRC/*", "src/deep/../*")
    return [
        *(Case(f"glob {pattern!r}", [_glob(pattern)], TREE) for pattern in patterns),
        Case(
            "glob in a path",
            [_glob("*.py", path) for path in ("src", f"{WS}/src", "{root}/source", "{root}/outside", "..", "missing", "a.py", "linkdir", "outdir", "", "a\0b")],
            TREE,
        ),
        Case("glob many", [_glob("**/*"), _glob("f*1")], {f"workspace/f{number:03}": "" for number in range(230)}),
        Case("glob nothing", [_glob("*"), _glob("**/*")]),
        Case("glob through loops", [_glob("*"), _glob("one/*")], {**LOOPING, "workspace/self": Link("."), "workspace/x": "x"}),
        Case("glob names that are not UTF-8", [_glob("*")], {"workspace/\udcff\udcfe.txt": "x"}),
        Case("glob without permission", [_glob("**/*")], {"workspace/closed": Mode(0), "workspace/x": "x"}),
    ]


def grep_cases() -> list[Case]:
    """The cases of grep, which are run with ripgrep and without."""
    patterns = ("alpha", "nothing here", "^alpha$", "a.*b", "(?i)ALPHA beta", "[", "(", "ü", "-e", "--files", "", r"\bdef\b", "alpha\\r", "a\nb")
    many: Mapping[str, Node] = {"workspace/many.txt": "".join(f"match {number}\n" for number in range(20_000))}
    return [
        *(Case(f"grep {pattern!r}", [_grep(pattern)], TREE, _sorted_lines) for pattern in patterns),
        Case(
            "grep in a path",
            [_grep("alpha", path) for path in ("src", "a.py", "{root}/source", "{root}/source/s.py", "{root}/outside", "missing", "binary.bin", "link.py", "linkdir", "outdir", "empty.txt", "", "latin1.txt")],
            TREE,
            _sorted_lines,
        ),
        Case("grep a pipe", [_grep("alpha", "pipe")], TREE),
        Case("grep too much in one file", [_grep("match")], many),
        Case("grep too much in many files", [_grep("match")], {f"workspace/{n}.txt": "match " + "x" * 80 for n in range(2000)}, _shape_only),
        Case("grep long lines", [_grep("needle")], {"workspace/long": "x" * 3000 + "needle\n", "workspace/short": "y" * 1900 + "needle\n"}, _sorted_lines),
        Case("grep multibyte at the limit", [_grep("ä")], {"workspace/wide": "".join(f"{n:06}{'ä' * 60}\n" for n in range(3000))}),
        Case("grep through loops", [_grep("x")], {**LOOPING, "workspace/self": Link("."), "workspace/x": "x\n"}, _sorted_lines),
    ]


def _argument_cases() -> list[Case]:
    lists: tuple[Any, ...] = (["1", "2"], [1.0, 2.0], [1.5, 2], "12", {"a": 1}, [None, 1], [True, 2], [" 1 ", "+2"], ["1_0", "0x2"], [1e300, 2])
    booleans: tuple[Any, ...] = ("true", "NO", "y", 1, 0, 0.0, 2, "maybe", [], " true", None)
    integers: tuple[Any, ...] = ("5000", 5000.0, "5_000", "5e3", True, 0, None, [], "5000.0", 10**400)
    return [
        Case("arguments of read", [("read", {}), ("read", {"file_path": 5}), ("read", {"file_path": None}), ("read", {"file_path": "a.txt", "other": 1}), ("read", {"path": "a.txt"})], PLAIN),
        Case("types of view_range", [("read", {"file_path": "a.txt", "view_range": value}) for value in lists], PLAIN),
        Case("types of replace_all", [_edit("x", "a", "b", replace_all=value) for value in booleans], {"workspace/x": "a" * 20}),
        Case("types of timeout_ms", [_bash("echo x", timeout_ms=value) for value in integers]),
        Case("types of restart", [("bash", {"restart": value}) for value in booleans]),
        Case("arguments of the others", [("write", {"file_path": "x"}), ("edit", {"file_path": "x"}), ("glob", {}), ("grep", {}), ("glob", {"pattern": ["*"]}), ("bash", {"cmd": "ls"}), ("bash", {"command": 5})]),
    ]


def _shell_cases() -> list[Case]:
    return [
        Case("bash", [_bash("echo hi"), _bash("echo a; echo b >&2; echo c"), _bash("printf 'no newline'"), _bash("true"), _bash("printf '\\n\\n a \\n\\n\\n'")]),
        Case("bash fails", [_bash("false"), _bash("echo out; exit_code() { return 3; }; exit_code"), _bash("ls missing"), _bash("nonesuch"), _bash("(exit 42)"), _bash("kill -9 $BASHPID & wait $!")]),
        Case("bash keeps its state", [_bash("cd /; X=1; export Y=2; f() { echo f; }; alias a=b; set -u"), _bash('pwd; echo "$X"; sh -c \'echo "$Y"\'; f'), _bash("echo $$ | wc -l; echo $?")]),
        Case("bash starts in the workspace", [_bash("pwd; ls"), _bash("cat a.txt; echo new >> a.txt"), _read("a.txt")], PLAIN),
        Case("bash counts lines", [_bash("nonesuch"), _bash("echo a\necho b\nnonesuch"), _bash("echo $LINENO"), _bash("f() {\nnonesuch\n}\nf")]),
        Case("bash restarts", [_bash("X=1; cd /"), ("bash", {"restart": True}), _bash("echo [$X]; pwd"), ("bash", {"restart": True, "command": "echo ignored"}), ("bash", {"restart": False}), ("bash", {})]),
        Case("bash without a command", [("bash", {"command": ""}), ("bash", {"command": None}), _bash(" "), _bash("# comment"), _bash("\n\n")]),
        Case("bash times out", [_bash("echo before; sleep 30", timeout_ms=300), _bash("echo x"), ("bash", {"restart": True}), _bash("echo y")]),
        Case("bash times out at once", [_bash("sleep 30", timeout_ms=-5)]),
        Case("bash takes a zero time-out for none", [_bash("echo x", timeout_ms=0)]),
        Case("bash has no input", [_bash("cat; echo $?"), _bash("read x; echo [$x] $?"), _bash("wc -c")]),
        Case("bash with many lines", [_bash("for i in 1 2 3\ndo\n  echo $i\ndone"), _bash("cat <<'X'\na $HOME\nb\nX"), _bash("cat <<X > f\n" + "line\n" * 5000 + "X\nwc -l f")]),
        Case("bash with quotes and unicode", [_bash("echo 'a\"b' \"c'd\" $'\\t' ü 👍"), _bash("echo \"`echo x`\" $(echo y)"), _bash("echo \\\\ '%s' '%d'"), _bash("printf '\\303'")]),
        Case("bash strips colours", [_bash("printf '\\033[31mred\\033[0m \\033[1;32mgreen\\033[m \\033[2K\\033[?25l\\033]0;title\\007 \\033[38;5;196mx'"), _bash("printf '\\033['"), _bash("printf '\\033[0'")]),
        Case("bash prints bytes", [_bash("printf '\\377\\376ok\\n'"), _bash("printf 'a\\000b'"), _bash("head -c 300 /dev/zero | tr '\\0' '\\200'")]),
        Case("bash floods", [_bash("seq 1 200000"), _bash("head -c 102340 /dev/zero | tr '\\0' x"), _bash("head -c 102350 /dev/zero | tr '\\0' y"), _bash("yes ä | head -c 300001")]),
        Case("bash floods at the limit", [_bash(f"head -c {102400 - 52 + n} /dev/zero | tr '\\0' z") for n in (-1, 0, 1, 2)]),
        Case("bash floods and fails", [_bash("seq 1 200000; exit_code() { return 117; }; exit_code"), _bash("yes | head -200000 >&2; false")]),
        Case("bash runs jobs in the background", [_bash("(sleep 0.3; echo late) & echo now"), _bash("sleep 0.7; echo later"), _bash("sleep 300 & echo $! | wc -l"), _bash("jobs | wc -l; kill %2 2>/dev/null; kill %1; wait; echo done")]),
        Case("bash with its descriptors", [_bash("exec 3>&1; echo x >&3; exec 3>&-"), _bash("exec 2>/dev/null; echo y; ls missing"), _bash("echo z")]),
        Case("bash with traps and options", [_bash("trap 'echo bye' EXIT; echo hi"), _bash("trap 'echo usr' USR1; kill -USR1 $$; echo x"), _bash("set -o pipefail; false | true; echo $?"), _bash("false | true")]),
        Case("bash with a huge environment", [_bash("export BIG=$(head -c 100000 /dev/zero | tr '\\0' e); echo ${#BIG}"), _bash("echo ${#BIG}; echo ok"), _bash("for i in $(seq 1 500); do export V$i=$(printf '%0200d' $i); done; env | grep -c ^V")]),
        Case("bash and its variables", [_bash("echo [$PS1] [$PS2] $TERM"), _bash("echo $-"), _bash("echo ${PYTHONUNBUFFERED-unset}"), _bash("echo $0 $# $BASH_SOURCE")]),
        Case("bash with 100 kB of command", [_bash("echo " + "x" * 100_000 + " | wc -c")]),
        Case("bash prints something like its own mark", [_bash("echo __ANT_CMD_0123_DONE__0; echo __WB_CMD__0123_DONE__0"), _bash("set -v; echo v"), ("bash", {"restart": True})], normal=lambda results: results[:1]),
    ]


def _ours(*expected: tuple[str, bool]) -> Callable[[Results], bool]:
    return lambda results: list(results) == list(expected)


def _differences() -> list[Case]:
    """Where the guest means to differ from the vendor's implementation."""
    ended = "bash session terminated: {}; the next call starts a new shell"
    killed = ended.format("the shell was killed, by the command itself or probably by the memory limit")
    died = "The reference answers with the output alone, and with an error without a text to the call after it."
    unfinished = "The reference waits for the rest of the command until its time is up; the guest lets bash say what is missing."
    noise = "The reference shows its own bookkeeping, or takes it for the end of the command."
    return [
        Case("the shell exits", [_bash("echo last; exit 3"), _bash("echo next")], difference=Difference(
            died,
            lambda results: results[0] == ("last", True) and results[1][1],
            _ours(("last\n" + ended.format("the shell exited with status 3"), True), ("next", False)),
        )),
        Case("the shell exits on an error", [_bash("set -e; false; echo not here"), _bash("echo next")], difference=Difference(
            died,
            lambda results: results[0] == ("", True),
            _ours((ended.format("the shell exited with status 1"), True), ("next", False)),
        )),
        Case("the shell is killed", [_bash("kill -9 $$"), _bash("echo next")], difference=Difference(
            died, lambda results: results[0] == ("", True), _ours((killed, True), ("next", False))
        )),
        Case("a syntax error", [_bash("echo )"), _bash("echo next")], difference=Difference(
            died,
            lambda results: results[0][0].startswith("/bin/bash: line 1: syntax error near unexpected token `)'\n"),
            _ours(
                ("/bin/bash: line 1: syntax error near unexpected token `)'\n/bin/bash: line 1: `{ echo )'\n" + ended.format("the shell exited with status 2"), True),
                ("next", False),
            ),
        )),
        Case("an unfinished command", [_bash("echo 'open", timeout_ms=1000)], difference=Difference(
            unfinished,
            _ours(("bash: bash command timed out after 1.0s", True)),
            lambda results: "unexpected EOF while looking for matching" in results[0][0] and results[0][1],
        )),
        Case("tracing", [_bash("set -x"), _bash("echo hi")], difference=Difference(
            noise,
            lambda results: "printf" in results[0][0] or "printf" in results[1][0],
            _ours(("", False), ("+ echo hi\nhi", False)),
        )),
        Case("a command that redefines printf", [_bash("printf() { echo mine; }; printf x", timeout_ms=1000)], difference=Difference(
            noise,
            _ours(("bash: bash command timed out after 1.0s", True)),
            _ours(("mine", False)),
        )),
        Case("background jobs after a restart", [_bash("sleep 60 & echo $! > pid"), ("bash", {"restart": True}), _bash("sleep 0.1; kill -0 $(cat pid) 2>/dev/null && echo alive || echo dead")], difference=Difference(
            "The reference ends only the shell itself; what it had started goes on, unseen, in the sandbox.",
            lambda results: results[2][0] == "alive",
            lambda results: results[2][0] == "dead",
        )),
    ]


CASES: Sequence[Case] = [*_reading(), *_writing(), *_globbing(), *_argument_cases(), *_shell_cases(), *_differences()]
