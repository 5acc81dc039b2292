"""The cases of read, write and edit."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sandbox.cases import (
    FILE_LIMIT,
    IMAGE_LIMIT,
    LARGE,
    LINES,
    LINKED,
    LOOPING,
    PDF_LIMIT,
    PLAIN,
    UNICODE,
    WS,
    Case,
    Fifo,
    Link,
    Mode,
    Node,
    Sparse,
    edit,
    glob,
    png,
    read,
    sorted_lines,
    write,
)


def reading_cases() -> list[Case]:
    """The cases of read."""
    media: Mapping[str, Node] = {
        "workspace/p.png": png(),
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
        Case("read", [read("a.txt"), read("./a.txt"), read("x/../a.txt"), read(f"{WS}/a.txt")], PLAIN),
        Case("read odd files", [read(path.partition("/")[2]) for path in odd], odd),
        Case("read a range", [read("lines", *view) for view in ranges], {"workspace/lines": LINES}),
        Case(
            "read a range of odd files",
            [read("crlf", 2, 3), read("no_newline", 2, 2), read("empty", 1, 1), read("unicode", 1, 1)],
            odd,
        ),
        Case(
            "read with an empty or no range",
            [("read", {"file_path": "a.txt", "view_range": []}), ("read", {"file_path": "a.txt", "view_range": None})],
            PLAIN,
        ),
        Case(
            "read at the limit",
            [read("fits"), read("exceeds"), read("exceeds", 1, 1)],
            {"workspace/fits": "x" * FILE_LIMIT, "workspace/exceeds": "x" * FILE_LIMIT + "\n"},
        ),
        Case("read a large file", [read("large"), *(read("large", *view) for view in large_ranges)], large),
        Case("read a long line", [read("one_line", 1, 1), read("one_line", 1, 2), read("one_line", 2, 2)], large),
        Case("read large odd files", [read("mixed", 1, 1), read("mixed", 2, 2), read("crlf", 2, 3)], large),
        Case(
            "read a huge file",
            [read("huge"), read("huge", 1, 1), read("huge", 0, 0)],
            {"workspace/huge": Sparse(1 << 33)},
        ),
        Case(
            "read what is not there",
            [
                read(path)
                for path in ("missing", "missing/deeper", "a.txt/b", "a.txt/", "", ".", "x" * 300, "a\0b", "~/x")
            ],
            PLAIN,
        ),
        Case(
            "read out of reach",
            [
                read(path)
                for path in ("{root}/outside/o.txt", "../outside/o.txt", "/etc/passwd", "/", "..", "../workspacex")
            ],
            PLAIN,
        ),
        Case("read without a source", [read("/etc/passwd"), read("{root}/source/s.txt")], PLAIN, without_source=True),
        Case("read the source", [read("{root}/source/s.txt"), read("../source/s.txt")], PLAIN),
        Case("read through links", [read(path.partition("/")[2]) for path in LINKED if "workspace/" in path], LINKED),
        Case("read through links to folders", [read("outdir/o.txt"), read("outdir/missing"), read("outdir")], LINKED),
        Case("read through a loop", [read("one"), read("one/x"), read("two/../one")], LOOPING),
        Case(
            "read through many links",
            [read("l0"), read("l10")],
            {**{f"workspace/l{n}": Link(f"l{n + 1}") for n in range(50)}, "workspace/l50": "end\n"},
        ),
        Case(
            "read through many dangling links",
            [read("l0"), read("l20")],
            {f"workspace/l{n}": Link(f"l{n + 1}") for n in range(50)},
        ),
        Case(
            "read without permission",
            [read("locked"), read("closed/x")],
            {"workspace/locked": Mode(0, "x"), "workspace/closed": Mode(0)},
        ),
        Case("read images and PDFs", [read(path.partition("/")[2]) for path in media], media),
        Case("read a range of an image", [read("p.png", 1, 2), read("p.pdf", 1, 2)], media),
        Case(
            "read media at their limits",
            [read(name) for name in ("most.png", "more.png", "more.pdf")],
            {
                "workspace/most.png": Sparse(IMAGE_LIMIT),
                "workspace/more.png": Sparse(IMAGE_LIMIT + 1),
                "workspace/more.pdf": Sparse(PDF_LIMIT + 1),
            },
        ),
    ]


def writing_cases() -> list[Case]:
    """The cases of write and edit."""
    return [
        Case("write", [write("new.txt", "hello\n"), read("new.txt"), write("new.txt", ""), read("new.txt")]),
        Case(
            "write deep",
            [write("x/y/z.txt", "deep"), read("x/y/z.txt"), write(f"{WS}/x/y/w", "w"), glob("**/*")],
            normal=sorted_lines,
        ),
        Case(
            "write unicode",
            [write("u", UNICODE), read("u"), write("näme", "ü"), write("crlf", "a\r\nb\n"), read("crlf")],
        ),
        Case("write a megabyte", [write("big", "äöü\n" * 250_000), read("big", 1, 1)]),
        Case(
            "write the source",
            [write("{root}/source/s.txt", "x"), write("../source/new", "x"), write("to_source", "x")],
            LINKED,
        ),
        Case("write out of reach", [write("../outside/n", "x"), write("/etc/n", "x"), write("outdir/n", "x")], LINKED),
        Case(
            "write through links",
            [
                write("inside", "1"),
                read("a.txt"),
                write("dangling", "2"),
                read("missing.txt"),
                write("dangling_out", "3"),
                write("out", "4"),
            ],
            LINKED,
        ),
        Case("write through a loop", [write("one", "x"), write("one/x", "x")], LOOPING),
        Case(
            "write over a folder or below a file",
            [write("d", "x"), write("a.txt/b", "x"), write("", "x"), write(".", "x")],
            {**PLAIN, "workspace/d": None},
        ),
        Case(
            "write odd names",
            [write("x" * 300, "x"), write("a\0b", "x"), write("tab\tname", "x"), read("tab\tname")],
        ),
        Case(
            "write without permission",
            [write("locked", "x"), write("closed/new", "x"), write("closed/deep/new", "x")],
            {"workspace/locked": Mode(0o444, "old"), "workspace/closed": Mode(0o555)},
        ),
        Case("edit", [edit("a.txt", "alpha", "gamma"), read("a.txt"), edit("a.txt", "alpha", "x")], PLAIN),
        Case(
            "edit several",
            [
                edit("n", "a", "b"),
                edit("n", "a", "b", replace_all=False),
                edit("n", "a", "b", replace_all=True),
                read("n"),
                edit("n", "a", "b", replace_all=True),
            ],
            {"workspace/n": "a.a.a\n"},
        ),
        Case("edit once with replace_all", [edit("a.txt", "alpha", "x", replace_all=True), read("a.txt")], PLAIN),
        Case(
            "edit oddly",
            [
                edit("a.txt", "alpha", "alpha"),
                edit("a.txt", "", "x"),
                edit("empty", "", "x"),
                read("empty"),
                edit("a.txt", "", "-", replace_all=True),
                read("a.txt"),
            ],
            {**PLAIN, "workspace/empty": ""},
        ),
        Case(
            "edit overlapping",
            [edit("n", "aa", "b"), edit("n", "aa", "b", replace_all=True), read("n")],
            {"workspace/n": "aaaaa"},
        ),
        Case(
            "edit lines and unicode",
            [
                edit("u", "Grüße, 世界", "Hallo"),
                edit("u", "👩‍🚀 e\u0301", "x\ny"),
                read("u"),
                edit("crlf", "a\nb", "x"),
                edit("crlf", "a\r\nb", "x"),
                read("crlf"),
            ],
            {"workspace/u": UNICODE, "workspace/crlf": "a\r\nb\r\n"},
        ),
        Case(
            "edit what cannot be edited",
            [
                edit(path, "x", "y")
                for path in (
                    "invalid",
                    "large",
                    "folder",
                    "fifo",
                    "missing",
                    "{root}/source/s.txt",
                    "out",
                    "/etc/hostname",
                    "p.png",
                    "a.txt/x",
                )
            ],
            {
                **LINKED,
                "workspace/invalid": b"x\xff",
                "workspace/large": LARGE,
                "workspace/folder": None,
                "workspace/fifo": Fifo(),
                "workspace/p.png": b"\x89x",
            },
        ),
        Case(
            "edit without permission",
            [edit("locked", "old", "x"), edit("unread", "old", "x")],
            {"workspace/locked": Mode(0o444, "old"), "workspace/unread": Mode(0, "old")},
        ),
    ]
