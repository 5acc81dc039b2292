"""The results of tests as JUnit XML, for whatever shows them in CI. The same results make the same text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from workbench.cases.report import headline, problem_lines
from workbench.cases.testing import CaseResult
from workbench.trace.terminal import printable


def junit_xml(agent: str, results: Sequence[CaseResult], *, allow_stale: bool = False) -> str:
    """One test suite with one test case for each result.

    A stale case is a failure of type `stale`, or with `allow_stale` skipped. Times are told to the millisecond for runs
    that ran live, and left out for what was played from a tape.
    """
    failed = [result for result in results if _fails(result, allow_stale)]
    skipped = [result for result in results if result.state == "stale" and allow_stale]
    counts = {"tests": str(len(results)), "failures": str(len(failed)), "errors": "0", "skipped": str(len(skipped))}
    suites = Element("testsuites", {"name": "workbench test", **counts})
    suite = SubElement(suites, "testsuite", {"name": _text(agent), **counts})
    for result in results:
        _case(suite, agent, result, allow_stale)
    indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _case(suite: Element, agent: str, result: CaseResult, allow_stale: bool) -> None:
    attributes = {"classname": _text(agent), "name": result.case.name}
    if result.live:
        attributes["time"] = f"{result.seconds:.3f}"
    case = SubElement(suite, "testcase", attributes)
    if result.state == "stale" and allow_stale:
        SubElement(case, "skipped", {"message": _text(headline(result))})
    elif result.state != "passed":
        failure = SubElement(case, "failure", {"type": result.state, "message": _text(headline(result))})
        failure.text = _text("\n".join(problem_lines(result)))


def _fails(result: CaseResult, allow_stale: bool) -> bool:
    return result.state != "passed" and not (result.state == "stale" and allow_stale)


def _text(text: str) -> str:
    """Text that XML can hold and a terminal can show."""
    return printable(text, keep="\n\t").replace("\ufffe", "⟨U+FFFE⟩").replace("\uffff", "⟨U+FFFF⟩")
