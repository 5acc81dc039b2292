from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.daemon_config import (
    DaemonConfigError,
    RuntimeEntry,
    merge_runtime,
    read_text_or_none,
    registered_runtime,
)

ENTRY = RuntimeEntry("/usr/bin/runsc", ("--network=none", "--platform=systrap"))

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_RUNTIMES = st.dictionaries(st.text(max_size=8), st.fixed_dictionaries({"path": st.text(max_size=8)}), max_size=3)
_CONFIGS = st.dictionaries(st.text(max_size=8).filter(lambda key: key != "runtimes"), _JSON, max_size=4)


@given(_CONFIGS, st.none() | _RUNTIMES, st.sampled_from([None, 1, 2, 4, "\t"]))
def test_everything_that_is_there_stays(config: dict[str, Any], runtimes: dict[str, Any] | None, indent: Any) -> None:
    before = config if runtimes is None else {**config, "runtimes": runtimes}
    merged = merge_runtime(json.dumps(before, indent=indent), "ours", ENTRY)
    after = json.loads(merged)
    assert {key: value for key, value in after.items() if key != "runtimes"} == config
    assert after["runtimes"] == {**(runtimes or {}), "ours": ENTRY.as_json()}
    assert [key for key in after if key in before] == list(before), "in the same order"
    assert merge_runtime(merged, "ours", ENTRY) == merged, "a second time changes nothing"
    assert registered_runtime(merged, "ours") == ENTRY


def test_indentation_is_kept() -> None:
    assert '\n  "runtimes"' in merge_runtime('{\n  "debug": true\n}\n', "ours", ENTRY)
    assert '\n\t"runtimes"' in merge_runtime('{\n\t"debug": true\n}\n', "ours", ENTRY)


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_a_file_that_is_not_there_is_begun(text: str | None) -> None:
    assert registered_runtime(merge_runtime(text, "ours", ENTRY), "ours") == ENTRY


def test_other_arguments_replace_ours_only() -> None:
    other = RuntimeEntry("/usr/bin/runsc", ("--platform=ptrace",))
    text = merge_runtime(merge_runtime(None, "ours", ENTRY), "theirs", ENTRY)
    text = merge_runtime(text, "ours", other)
    assert (registered_runtime(text, "ours"), registered_runtime(text, "theirs")) == (other, ENTRY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "a": 1,\n}', "/etc/docker/daemon.json:3:1: not valid JSON"),
        ("[]", "must hold a JSON object, not list"),
        ('{"runtimes": []}', '"runtimes" must be an object, not list'),
        ('{"a": 1, "a": 2}', 'the key "a" is there twice'),
        ('{"runtimes": {"x": {}, "x": {}}}', 'the key "x" is there twice'),
    ],
)
def test_what_cannot_be_merged_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(DaemonConfigError) as refused:
        merge_runtime(text, "ours", ENTRY, "/etc/docker/daemon.json")
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["not json", "{}", '{"runtimes": 1}', '{"runtimes": {"ours": {"path": 1}}}'])
def test_a_runtime_that_cannot_be_read_is_none(text: str) -> None:
    assert registered_runtime(text, "ours") is None


def test_reading_the_file(tmp_path: Path) -> None:
    assert read_text_or_none(tmp_path / "none") is None
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DaemonConfigError, match="cannot be read"):
        read_text_or_none(tmp_path / "binary")
