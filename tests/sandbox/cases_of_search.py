"""The cases of glob and grep, and of arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.sandbox.cases import (
    LOOPING,
    PLAIN,
    TREE,
    WS,
    Case,
    Link,
    Mode,
    Node,
    bash,
    edit,
    glob,
    grep,
    shape_only,
    sorted_lines,
)


def glob_cases() -> list[Case]:
    """The cases of glob."""
    patterns = (
        "*",
        "*.py",
        "**/*.py",
        "**",
        "**/*",
        "src/*",
        "?.py",
        "[ab].*",
        "*.rs",
        ".*",
        "*/",
        "src/../a.py",
        "..",
        "/etc/*",
        "",
        ".",
        "**x",
        "***",
        "[",
        "linkdir/*",
        "outdir/*",
        "*/*.py",
        "SRC/*",
        "src/deep/../*",
    )
    return [
        *(Case(f"glob {pattern!r}", [glob(pattern)], TREE) for pattern in patterns),
        Case(
            "glob in a path",
            [
                glob("*.py", path)
                for path in (
                    "src",
                    f"{WS}/src",
                    "{root}/source",
                    "{root}/outside",
                    "..",
                    "missing",
                    "a.py",
                    "linkdir",
                    "outdir",
                    "",
                    "a\0b",
                )
            ],
            TREE,
        ),
        Case("glob many", [glob("**/*"), glob("f*1")], {f"workspace/f{number:03}": "" for number in range(230)}),
        Case("glob nothing", [glob("*"), glob("**/*")]),
        Case(
            "glob through loops",
            [glob("*"), glob("one/*")],
            {**LOOPING, "workspace/self": Link("."), "workspace/x": "x"},
        ),
        Case("glob names that are not UTF-8", [glob("*")], {"workspace/\udcff\udcfe.txt": "x"}),
        Case("glob without permission", [glob("**/*")], {"workspace/closed": Mode(0), "workspace/x": "x"}),
    ]


def grep_cases() -> list[Case]:
    """The cases of grep, which are run with ripgrep and without."""
    patterns = (
        "alpha",
        "nothing here",
        "^alpha$",
        "a.*b",
        "(?i)ALPHA beta",
        "[",
        "(",
        "ü",
        "-e",
        "--files",
        "",
        r"\bdef\b",
        "alpha\\r",
        "a\nb",
    )
    many: Mapping[str, Node] = {"workspace/many.txt": "".join(f"match {number}\n" for number in range(20_000))}
    return [
        *(Case(f"grep {pattern!r}", [grep(pattern)], TREE, sorted_lines) for pattern in patterns),
        Case(
            "grep in a path",
            [
                grep("alpha", path)
                for path in (
                    "src",
                    "a.py",
                    "{root}/source",
                    "{root}/source/s.py",
                    "{root}/outside",
                    "missing",
                    "binary.bin",
                    "link.py",
                    "linkdir",
                    "outdir",
                    "empty.txt",
                    "",
                    "latin1.txt",
                )
            ],
            TREE,
            sorted_lines,
        ),
        Case("grep too much in one file", [grep("match")], many),
        Case(
            "grep too much in many files",
            [grep("match")],
            {f"workspace/{n}.txt": "match " + "x" * 80 for n in range(2000)},
            shape_only,
        ),
        Case(
            "grep long lines",
            [grep("needle")],
            {"workspace/long": "x" * 3000 + "needle\n", "workspace/short": "y" * 1900 + "needle\n"},
            sorted_lines,
        ),
        Case(
            "grep multibyte at the limit",
            [grep("ä")],
            {"workspace/wide": "".join(f"{n:06}{'ä' * 60}\n" for n in range(3000))},
        ),
        Case(
            "grep through loops",
            [grep("x")],
            {**LOOPING, "workspace/self": Link("."), "workspace/x": "x\n"},
            sorted_lines,
        ),
    ]


def argument_cases() -> list[Case]:
    """The cases of arguments that are missing, too many, or of another type."""
    lists: tuple[Any, ...] = (
        ["1", "2"],
        [1.0, 2.0],
        [1.5, 2],
        "12",
        {"a": 1},
        [None, 1],
        [True, 2],
        [" 1 ", "+2"],
        ["1_0", "0x2"],
        [1e300, 2],
    )
    booleans: tuple[Any, ...] = ("true", "NO", "y", 1, 0, 0.0, 2, "maybe", [], " true", None)
    integers: tuple[Any, ...] = ("5000", 5000.0, "5_000", "5e3", True, 0, None, [], "5000.0", 10**400)
    return [
        Case(
            "arguments of read",
            [
                ("read", {}),
                ("read", {"file_path": 5}),
                ("read", {"file_path": None}),
                ("read", {"file_path": "a.txt", "other": 1}),
                ("read", {"path": "a.txt"}),
            ],
            PLAIN,
        ),
        Case("types of view_range", [("read", {"file_path": "a.txt", "view_range": value}) for value in lists], PLAIN),
        Case(
            "types of replace_all",
            [edit("x", "a", "b", replace_all=value) for value in booleans],
            {"workspace/x": "a" * 20},
        ),
        Case("types of timeout_ms", [bash("echo x", timeout_ms=value) for value in integers]),
        Case("types of restart", [("bash", {"restart": value}) for value in booleans]),
        Case(
            "arguments of the others",
            [
                ("write", {"file_path": "x"}),
                ("edit", {"file_path": "x"}),
                ("glob", {}),
                ("grep", {}),
                ("glob", {"pattern": ["*"]}),
                ("bash", {"cmd": "ls"}),
                ("bash", {"command": 5}),
            ],
        ),
    ]
