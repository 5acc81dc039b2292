"""The cases of bash."""

from __future__ import annotations

from tests.sandbox.cases import PLAIN, Case, bash, flood, read, without_process_ids


def bash_cases() -> list[Case]:
    """The cases of bash."""
    return [
        Case(
            "bash",
            [
                bash("echo hi"),
                bash("echo a; echo b >&2; echo c"),
                bash("printf 'no newline'"),
                bash("true"),
                bash("printf '\\n\\n a \\n\\n\\n'"),
            ],
        ),
        Case(
            "bash fails",
            [
                bash("false"),
                bash("echo out; exit_code() { return 3; }; exit_code"),
                bash("ls missing"),
                bash("nonesuch"),
                bash("(exit 42)"),
                bash("kill -9 $BASHPID & wait $!"),
            ],
            normal=without_process_ids,
        ),
        Case(
            "bash keeps its state",
            [
                bash("cd /; X=1; export Y=2; f() { echo f; }; alias a=b; set -u"),
                bash('pwd; echo "$X"; sh -c \'echo "$Y"\'; f'),
                bash("echo $$ | wc -l; echo $?"),
            ],
        ),
        Case(
            "bash starts in the workspace",
            [bash("pwd; ls"), bash("cat a.txt; echo new >> a.txt"), read("a.txt")],
            PLAIN,
        ),
        Case(
            "bash counts lines",
            [
                bash("nonesuch"),
                bash("echo a\necho b\nnonesuch"),
                bash("echo $LINENO"),
                bash("f() {\nnonesuch\n}\nf"),
            ],
        ),
        Case(
            "bash restarts",
            [
                bash("X=1; cd /"),
                ("bash", {"restart": True}),
                bash("echo [$X]; pwd"),
                ("bash", {"restart": True, "command": "echo ignored"}),
                ("bash", {"restart": False}),
                ("bash", {}),
            ],
        ),
        Case("bash without a command", [("bash", {"command": ""}), ("bash", {"command": None}), bash(":")]),
        Case(
            "bash times out",
            [
                bash("echo before; sleep 30", timeout_ms=300),
                bash("echo x"),
                ("bash", {"restart": True}),
                bash("echo y"),
            ],
        ),
        Case("bash times out at once", [bash("sleep 30", timeout_ms=-5)]),
        Case("bash takes a zero time-out for none", [bash("echo x", timeout_ms=0)]),
        Case("bash has no input", [bash("cat; echo $?"), bash("read x; echo [$x] $?"), bash("wc -c")]),
        Case(
            "bash with many lines",
            [
                bash("for i in 1 2 3\ndo\n  echo $i\ndone"),
                bash("cat <<'X'\na $HOME\nb\nX"),
                bash("cat <<X > f\n" + "line\n" * 5000 + "X\nwc -l f"),
            ],
        ),
        Case(
            "bash with quotes and unicode",
            [
                bash("echo 'a\"b' \"c'd\" $'\\t' ü 👍"),
                bash('echo "`echo x`" $(echo y)'),
                bash("echo \\\\ '%s' '%d'"),
                bash("printf '\\303'"),
            ],
        ),
        Case(
            "bash strips colours",
            [
                bash(
                    "printf '\\033[31mred\\033[0m \\033[1;32mgreen\\033[m \\033[2K\\033[?25l'"
                    "; printf '\\033]0;title\\007 \\033[38;5;196mx'"
                ),
                bash("printf '\\033['"),
                bash("printf '\\033[0'"),
            ],
        ),
        Case(
            "bash prints bytes",
            [
                bash("printf '\\377\\376ok\\n'"),
                bash("printf 'a\\000b'"),
                bash("head -c 300 /dev/zero | tr '\\0' '\\200'"),
            ],
        ),
        Case(
            "bash floods",
            [flood("seq 1 200000"), flood("head -c 102340 /dev/zero | tr '\\0' x"), flood("yes ä | head -c 300001")],
        ),
        Case(
            "bash floods at the limit",
            [flood(f"head -c {102400 - 52 + n} /dev/zero | tr '\\0' z") for n in (-1, 0, 1, 2)],
        ),
        Case(
            "bash floods and fails",
            [
                flood("seq 1 200000", "exit_code() { return 117; }; exit_code"),
                flood("yes | head -200000 >&2", "false"),
            ],
        ),
        Case(
            "bash runs jobs in the background",
            [
                bash("(sleep 0.6; echo late) & echo now"),
                bash("sleep 1.2; echo later"),
                bash("sleep 300 & echo $! | wc -l"),
                bash("jobs | wc -l; kill %2 2>/dev/null; kill %1; wait; echo done"),
            ],
        ),
        Case(
            "bash with its descriptors",
            [bash("exec 3>&1; echo x >&3; exec 3>&-"), bash("exec 2>/dev/null; echo y; ls missing"), bash("echo z")],
        ),
        Case(
            "bash with traps and options",
            [
                bash("trap 'echo bye' EXIT; echo hi"),
                bash("trap 'echo usr' USR1; kill -USR1 $$; echo x"),
                bash("set -o pipefail; false | true; echo $?"),
                bash("false | true"),
            ],
        ),
        Case(
            "bash with a huge environment",
            [
                bash("export BIG=$(head -c 100000 /dev/zero | tr '\\0' e); echo ${#BIG}"),
                bash("echo ${#BIG}; echo ok"),
                bash("for i in $(seq 1 500); do export V$i=$(printf '%0200d' $i); done; env | grep -c ^V"),
            ],
        ),
        Case(
            "bash and its variables",
            [
                bash("echo [$PS1] [$PS2] $TERM"),
                bash("echo $-"),
                bash("echo ${PYTHONUNBUFFERED-unset}"),
                bash("echo $0 $# $BASH_SOURCE"),
            ],
        ),
        Case("bash with 100 kB of command", [bash("echo " + "x" * 100_000 + " | wc -c")]),
        Case(
            "bash prints something like its own mark",
            [
                bash("echo __ANT_CMD_0123_DONE__0; echo __WB_CMD__0123_DONE__0"),
                bash("set -v; echo v"),
                ("bash", {"restart": True}),
            ],
            normal=lambda results: results[:1],
        ),
    ]
