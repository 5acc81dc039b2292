"""The JSON Schema of a case's file, as editors use it, takes what the loader takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from workbench.cases import schema
from workbench.cases.case import checked_file
from workbench.cases.schema import case_schema
from workbench.definition.yamlfile import parse_yaml

SAMPLES = sorted((Path(__file__).parents[2] / "sample_agents").glob("*/cases/*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(case_schema())


def case(*checks: Any) -> dict[str, Any]:
    tape = {"file": "a.tape.jsonl", "sha256": "0" * 64}
    return {"version": 1, "run": "r1", "tape": tape, "checks": list(checks)}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(case_schema())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_fit(path: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


def test_what_is_written_short_fits() -> None:
    VALIDATOR.validate(
        case(
            {"called": "bash"},
            {"never_called": "write"},
            {"output": {"contains": "one"}},
            {"output": {"contains": ["one", "two"], "json": {"path": "$.a", "equals": None}}},
            {"called": {"tool": "bash", "arguments": {"tries": 2, "command": {"matches": "x"}, "env": {"a": "b"}}}},
        )
    )


@pytest.mark.parametrize("check", [{"outptu": {}}, {"max_steps": 0}, {"called": {"name": "bash"}}, "called"])
def test_what_the_loader_refuses_does_not_fit(check: Any) -> None:
    assert not VALIDATOR.is_valid(case(check))


def test_the_example_of_the_reference_is_a_case() -> None:
    text = Path(schema.__file__).with_name("case_format.md").read_text("utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0].replace("567a…", "f" * 64)
    file = checked_file(parse_yaml(Path("example.yaml"), example.encode("utf-8")))
    kinds = {check.kind for check in file.checks}
    assert kinds == set(schema.CheckPart.model_fields) - {"judge"}
    VALIDATOR.validate(yaml.safe_load(example))
