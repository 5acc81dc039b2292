"""What a person would type: the examples that `workbench COMMAND --help` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "new": ("workbench new my-agent", "workbench new --sample support-triage"),
    "run": (
        "workbench run support-triage",
        "workbench run support-triage --input ticket-4813 --model claude-sonnet-4-5",
        "git diff | workbench run code-review --input - --json",
    ),
    "replay": (
        "workbench replay last",
        "workbench replay last --from 3 --prompt new-prompt.md",
        "workbench replay last --result 2.1=@changed.json --tools tape-while-unchanged",
        "workbench replay last --from 2 --set model.max_tokens=2000 --dry-run",
    ),
    "resume": ("workbench resume last", "workbench resume last --set budget.usd=2"),
    "compare": (
        "workbench compare support-triage --models claude-haiku-4-5,claude-sonnet-4-5 --repeat 3",
        "workbench compare support-triage --prompts prompt.md,new-prompt.md --cases",
        "workbench compare support-triage --no-run --format html --output comparison.html",
    ),
    "keep": (
        "workbench keep last --as charged-twice",
        "workbench keep last --as charged-twice --check 'output: {contains: billing}'",
    ),
    "test": (
        "workbench test support-triage",
        "workbench test support-triage --live --case charged-twice --junit out.xml",
    ),
    "runs": ("workbench runs", "workbench runs support-triage --limit 5 --json"),
    "show": ("workbench show last", "workbench show last --events --step 2"),
    "export": (
        "workbench export last --format html --output run.html",
        "workbench export last --format otlp --endpoint http://localhost:4318",
    ),
    "diff": ("workbench diff 7k7k last",),
}
"""By the command's name, each as a whole line."""
