"""Where the guest means to differ from the vendor's implementation, and why."""

from __future__ import annotations

from collections.abc import Callable

from tests.sandbox.cases import Case, Difference, Results, bash


def _ours(*expected: tuple[str, bool]) -> Callable[[Results], bool]:
    return lambda results: list(results) == list(expected)


def different_cases() -> list[Case]:
    """Where the guest means to differ from the vendor's implementation."""
    ended = "bash session terminated: {}; the next call starts a new shell"
    killed = ended.format("the shell was killed, by the command itself or probably by the memory limit")
    died = "The reference answers with the output alone, and with an error without a text to the call after it."
    unfinished = (
        "The reference waits for the rest of the command until its time is up; the guest lets bash say what is missing."
    )
    noise = "The reference shows its own bookkeeping, or takes it for the end of the command."
    return [
        Case(
            "the shell exits",
            [bash("echo last; exit 3"), bash("echo next")],
            difference=Difference(
                died,
                lambda results: results[0] == ("last", True) and results[1][1],
                _ours(("last\n" + ended.format("the shell exited with status 3"), True), ("next", False)),
            ),
        ),
        Case(
            "the shell exits on an error",
            [bash("set -e; false; echo not here"), bash("echo next")],
            difference=Difference(
                died,
                lambda results: results[0] == ("", True),
                _ours((ended.format("the shell exited with status 1"), True), ("next", False)),
            ),
        ),
        Case(
            "the shell is killed",
            [bash("kill -9 $$"), bash("echo next")],
            difference=Difference(
                died, lambda results: results[0] == ("", True), _ours((killed, True), ("next", False))
            ),
        ),
        Case(
            "a syntax error",
            [bash("echo )"), bash("echo next")],
            difference=Difference(
                died,
                lambda results: results[0][0].startswith("/bin/bash: line 1: syntax error near unexpected token `)'\n"),
                _ours(
                    (
                        "/bin/bash: line 1: syntax error near unexpected token `)'\n/bin/bash: line 1: `{ echo )'\n"
                        + ended.format("the shell exited with status 2"),
                        True,
                    ),
                    ("next", False),
                ),
            ),
        ),
        Case(
            "an unfinished command",
            [bash("echo 'open", timeout_ms=1000)],
            difference=Difference(
                unfinished,
                _ours(("bash: bash command timed out after 1.0s", True)),
                lambda results: "unexpected EOF while looking for matching" in results[0][0] and results[0][1],
            ),
        ),
        Case(
            "a command of nothing",
            [bash(" "), bash("# comment"), bash("\n# comment\n\n")],
            difference=Difference(
                "The reference wraps it into an empty group, which is a syntax error that ends the shell.",
                lambda results: results[0][0].startswith("/bin/bash: line 2: syntax error near unexpected token `}'"),
                _ours(("", False), ("", False), ("", False)),
            ),
        ),
        Case(
            "a command without its end",
            [bash("if true; then echo x"), bash("echo next")],
            difference=Difference(
                died,
                lambda results: results[0][0].startswith("/bin/bash: line 2: syntax error near unexpected token `}'\n"),
                _ours(
                    (
                        "/bin/bash: line 2: syntax error near unexpected token `}'\n/bin/bash: line 2: `}'\n"
                        + ended.format("the shell exited with status 2"),
                        True,
                    ),
                    ("next", False),
                ),
            ),
        ),
        Case(
            "verbose",
            [bash("set -v"), bash("echo hi")],
            difference=Difference(
                noise, lambda results: "printf" in results[1][0], _ours(("", False), ("{ echo hi\n}\nhi", False))
            ),
        ),
        Case(
            "tracing",
            [bash("set -x"), bash("echo hi")],
            difference=Difference(
                noise,
                lambda results: "printf" in results[0][0] or "printf" in results[1][0],
                _ours(("", False), ("+ echo hi\nhi", False)),
            ),
        ),
        Case(
            "a command that redefines printf",
            [bash("printf() { echo mine; }; printf x", timeout_ms=1000)],
            difference=Difference(
                noise,
                _ours(("bash: bash command timed out after 1.0s", True)),
                _ours(("mine", False)),
            ),
        ),
        Case(
            "background jobs after a restart",
            [
                bash("sleep 60 & echo $! > pid"),
                ("bash", {"restart": True}),
                bash("sleep 0.1; kill -0 $(cat pid) 2>/dev/null && echo alive || echo dead"),
            ],
            difference=Difference(
                "The reference ends only the shell itself; what it had started goes on, unseen, in the sandbox.",
                lambda results: results[2][0] == "alive",
                lambda results: results[2][0] == "dead",
            ),
        ),
    ]
