"""JUnit XML: what CI shows of results, the same for the same results, whatever an agent said."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

from tests.cases.conftest import TestedAgent
from tests.engine.conftest import HTTP_AGENT, LOOK_UP
from workbench.cases.junit import junit_xml

COUNTS = ("tests", "failures", "errors", "skipped")


def counts(element: Element) -> list[int]:
    return [int(element.attrib[name]) for name in COUNTS]


async def test_each_state_has_its_place(agent: TestedAgent) -> None:
    ran = await agent.run()
    agent.keep(ran, "good")
    agent.keep(ran, "bad", checks=[{"output": {"contains": "second"}}, {"rubric": "it is good"}])
    agent.keep(ran, "unjudged", checks=[{"rubric": "it is good"}])
    agent.keep(ran, "old")
    agent.edit_case("input: what is it?", "input: what now?", "old")
    results = await agent.test()
    text = junit_xml("looker", results)
    suites = fromstring(text)
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert counts(suites) == counts(suite) == [4, 3, 0, 0]
    cases = {case.attrib["name"]: case for case in suite}
    assert list(cases) == ["bad", "good", "old", "unjudged"]
    assert all(case.attrib["classname"] == "looker" and "time" not in case.attrib for case in suite)
    assert len(cases["good"]) == 0
    types = {name: case[0].attrib["type"] for name, case in cases.items() if len(case)}
    assert types == {"bad": "failed", "old": "stale", "unjudged": "not_judged"}
    assert cases["bad"][0].text is not None
    assert "expected the output contains 'second'" in cases["bad"][0].text
    assert cases["old"][0].attrib["message"] == "the tape no longer answers: the input changed"
    assert counts(fromstring(junit_xml("looker", results, allow_stale=True))) == [4, 2, 0, 1]
    assert junit_xml("looker", await agent.test()) == text


async def test_live_runs_tell_their_time(agent: TestedAgent) -> None:
    agent.keep(await agent.run())
    (case,) = fromstring(junit_xml("looker", await agent.test("live")))[0]
    assert float(case.attrib["time"]) > 0


async def test_hostile_text_makes_neither_bad_xml_nor_terminal_commands(agent: TestedAgent) -> None:
    agent.write("offline.yaml", LOOK_UP.replace("first fact", r'"\e[31m]]>\0\uFFFE<failure>&\u202e"', 1))
    agent.write("agent.yaml", HTTP_AGENT)
    agent.keep(await agent.run(), checks=[{"output": {"contains": "nothing like it"}}])
    text = junit_xml("looker", await agent.test())
    (case,) = fromstring(text)[0]
    assert "<failure>&" in (case[0].text or "")
    assert all(character.isprintable() or character in "\n\t" for character in text)
