"""The offline script through the real SDK: what rules answer, and everything that can be scripted to go wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import pytest

from workbench.model.offline_schema import PacePart
from workbench.model.offline_transport import OfflineTransport

if TYPE_CHECKING:
    from tests.model.conftest import Kit


def case(*lines: str) -> str:
    return "rules:\n" + "".join(f"  {line}\n" for line in lines)


CLASSIFIER = """
choices:
  kind:
    cases:
      - {when: {any_of: [refund, charged twice]}, value: {category: billing, priority: high}}
      - {when: {matches: 'error (?P<code>\\d+)'}, value: {category: "bug {{ match.code }}", priority: low}}
    otherwise: {category: other, priority: low}
rules:
  - when: {equals: {choice.kind.priority: high}, system: "escalate urgent tickets"}
    reply: {text: "ESCALATED {{ choice.kind.category }}"}
  - reply: {text: "{{ choice.kind.category }} ({{ choice.kind.priority }})"}
"""


@pytest.mark.parametrize(
    ("ticket", "answer"),
    [
        ("I want a REFUND", "billing (high)"),
        ("was charged\n  twice", "billing (high)"),
        ("error 42 appears", "bug 42 (low)"),
        ("hello", "other (low)"),
    ],
)
async def test_many_inputs_share_a_rule(kit: Kit, ticket: str, answer: str) -> None:
    assert (await kit.ask(kit.offline(CLASSIFIER), kit.request(ticket))).text == answer


async def test_an_edit_of_the_prompt_changes_the_answer(kit: Kit) -> None:
    model = kit.offline(CLASSIFIER)
    before = await kit.ask(model, kit.request("a refund", system="You classify."))
    after = await kit.ask(model, kit.request("a refund", system="You classify. Escalate\nurgent tickets."))
    assert (before.text, after.text) == ("billing (high)", "ESCALATED billing")


async def test_source(kit: Kit) -> None:
    model = kit.offline("rules: [{reply: {text: a}}]")
    assert (model.source, model.endpoint) == ("offline", None)
    await model.close()


TOOLS = """
rules:
  - when: {step: 1, input: {matches: '#(?P<id>\\d+)'}}
    reply:
      thinking: I read it.
      text: Reading {{ input.id }}.
      calls:
        - {tool: read, arguments: {path: '/tickets/{{ input.id }}.json', limit: 5, deep: {a: [true, null]}}}
        - {tool: bash, arguments: {command: 'grep {{ input.text | shell }} log'}}
  - when:
      called: {read: 1, bash: 1}
      results: [{tool: read, json: {status: open}}, {tool: bash, is_error: true}]
    reply:
      text: '{{ result.read.json.who.name }}: {{ result.bash.text }} {{ result.bash.arguments.command }}'
"""


async def test_a_run_with_tools(kit: Kit) -> None:
    model = kit.offline(TOOLS)
    request = kit.request("Ticket #7, it's urgent", tools=["read", "bash"])
    first = await kit.ask(model, request)
    thinking, text, read, bash = first.answer.content
    assert thinking["thinking"] == "I read it."
    assert thinking["signature"]
    assert text == {"type": "text", "text": "Reading 7."}
    assert read["input"] == {"path": "/tickets/7.json", "limit": 5, "deep": {"a": [True, None]}}
    assert bash["input"] == {"command": "grep 'Ticket #7, it'\"'\"'s urgent' log"}
    assert read["id"] != bash["id"]
    assert first.answer.stop_reason == "tool_use"
    assert first.answer.usage.thinking_tokens > 0

    failed = {"is_error": True, "content": "nothing found"}
    following = kit.went_on(request, first.answer, '{"status": "open", "who": {"name": "Ann"}}', failed)
    second = await kit.ask(model, following)
    assert second.text.startswith("Ann: nothing found grep ")
    assert second.answer.stop_reason == "end_turn"


async def test_the_same_request_gets_the_same_reply(kit: Kit) -> None:
    text = "rules: [{reply: {thinking: t, calls: [{tool: a}, {tool: a}]}}]"
    request = kit.request(tools=["a"])
    first, second = [(await kit.ask(kit.offline(text), request)).answer for _ in range(2)]
    assert (first.content, first.message_id, first.usage) == (second.content, second.message_id, second.usage)
    other = (await kit.ask(kit.offline(text), kit.request("other", tools=["a"]))).answer
    assert other.content[1]["id"] != first.content[1]["id"]


FOR_EACH = """
rules:
  - when: {step: 1}
    reply:
      calls:
        tool: read
        for_each: '{{ input.lines }}'
        limit: 2
        arguments: {path: '{{ item }}', n: '{{ index }}'}
  - reply: {text: '{{ results.read[0].text }}, {{ results.read[-1].text }}, {{ result.read.text }}'}
"""


async def test_one_call_for_each_item(kit: Kit) -> None:
    model = kit.offline(FOR_EACH)
    request = kit.request("a.txt\n\nb.txt\nc.txt", tools=["read"])
    first = (await kit.ask(model, request)).answer
    assert [call["input"] for call in first.content] == [{"path": "a.txt", "n": 0}, {"path": "b.txt", "n": 1}]
    assert (await kit.ask(model, kit.went_on(request, first, "A", "B"))).text == "A, B, B"


async def test_blocks_in_an_order_of_their_own_and_a_paused_search(kit: Kit) -> None:
    model = kit.offline(
        "rules:\n"
        "  - when: {paused: true}\n"
        "    reply: {text: found}\n"
        "  - reply:\n"
        "      blocks:\n"
        "        - {text: first}\n"
        "        - {redacted_thinking: RW1w}\n"
        "        - search: {query: 'about {{ input.text }}', results: [{title: T, url: 'http://x', text: body}]}\n"
        "        - {raw: {type: text, text: '{{ input.text }}', citations: []}}\n"
        "      stop_reason: pause_turn\n"
    )
    request = kit.request("cats")
    first = (await kit.ask(model, request)).answer
    kinds = [block["type"] for block in first.content]
    assert kinds == ["text", "redacted_thinking", "server_tool_use", "web_search_tool_result", "text"]
    assert first.content[2]["input"] == {"query": "about cats"}
    assert first.content[3]["tool_use_id"] == first.content[2]["id"]
    assert (first.stop_reason, first.usage.web_searches) == ("pause_turn", 1)
    assert (await kit.ask(model, kit.went_on(request, first))).text == "found"


async def test_a_failed_search_is_not_billed(kit: Kit) -> None:
    model = kit.offline("rules: [{reply: {search: {query: q, error: unavailable}, text: no}}]")
    reply = (await kit.ask(model, kit.request())).answer
    assert reply.content[1]["content"] == {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    assert reply.usage.web_searches == 0


@pytest.mark.parametrize("reason", ["max_tokens", "stop_sequence", "model_context_window_exceeded", "end_turn"])
async def test_any_stop_reason(kit: Kit, reason: str) -> None:
    model = kit.offline(f"rules: [{{reply: {{text: a, stop_reason: {reason}}}}}]")
    assert (await kit.ask(model, kit.request())).answer.stop_reason == reason


async def test_a_refusal(kit: Kit) -> None:
    model = kit.offline("rules: [{reply: {text: no, refusal: {category: cyber, explanation: I must not.}}}]")
    reply = (await kit.ask(model, kit.request())).answer
    assert reply.stop_reason == "refusal"
    assert reply.stop_details == {
        "type": "refusal",
        "category": "cyber",
        "explanation": "I must not.",
        "recommended_model": None,
    }


async def test_broken_arguments(kit: Kit) -> None:
    text = 'rules: [{reply: {calls: {tool: a, raw_arguments: \'{"x": 1, "y": \'}%s}}]'
    cut = await kit.ask(kit.offline(text % ", stop_reason: max_tokens"), kit.request(tools=["a"]))
    assert cut.answer.content[0]["input"] == {"x": 1}
    broken = await kit.ask(kit.offline(text % ""), kit.request(tools=["a"]))
    assert broken.failure.kind == "stream"
    assert "the arguments of the call to a are not JSON" in str(broken.failure)


async def test_scripted_usage(kit: Kit) -> None:
    counts = "{input_tokens: 5, output_tokens: 6, cache_read_input_tokens: 7, cache_creation_input_tokens: 8}"
    model = kit.offline(f"rules: [{{reply: {{text: a, usage: {counts}}}}}]")
    usage = (await kit.ask(model, kit.request())).answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (5, 6, 7)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (8, 0)


async def test_pace(kit: Kit) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    text = "word " * 100
    model = kit.offline(
        f"rules: [{{reply: {{text: {text}}}}}]", pace=PacePart(first_token=2, tokens_per_second=50), sleep=sleep
    )
    reply = (await kit.ask(model, kit.request())).answer
    assert waits[0] == 2
    assert sum(waits[1:]) == pytest.approx(reply.usage.output_tokens / 50)
    assert len(waits) > 20


async def test_no_rule_answers(kit: Kit) -> None:
    model = kit.offline(
        case(
            "- {name: step, when: {step: 2}, reply: {text: a}}",
            "- {name: prompt, when: {system: polite}, reply: {text: a}}",
            "- {name: pattern, when: {input: {matches: '^x'}}, reply: {text: a}}",
            "- {name: model, when: {model: 'claude-opus-*'}, reply: {text: a}}",
            "- {name: tool, when: {tools: bash}, reply: {text: a}}",
            "- {name: result, when: {results: {tool: read}}, reply: {text: a}}",
            "- {name: group, when: {not: {step: 1}}, rules: [{reply: {text: a}}]}",
            "- {name: inner, rules: [{name: deep, when: {said: hello}, reply: {text: a}}]}",
        )
    )
    failure = (await kit.ask(model, kit.request("hi"))).failure
    assert (failure.status, failure.kind) == (400, "invalid_request_error")
    told = str(failure).splitlines()
    assert told[0] == "offline.yaml has no rule for this request (step 1). Tried:"
    assert told[1:-1] == [
        "  offline.yaml:3 'step': the step is 1, not 2",
        "  offline.yaml:4 'prompt': the system prompt does not contain 'polite'",
        "  offline.yaml:5 'pattern': the input does not match /^x/",
        "  offline.yaml:6 'model': the model is claude-haiku-4-5, not claude-opus-*",
        "  offline.yaml:7 'tool': the agent does not have the tool bash",
        "  offline.yaml:8 'result': there is no result of read",
        "  offline.yaml:9 'group': the condition under 'not' holds",
        "  offline.yaml:10 'deep': what the model said last does not contain 'hello'",
    ]
    assert "Add a rule" in told[-1]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("{text: '{{ result.read.text }}'}", "there is no result of 'read' yet (there are results of: none)"),
        ("{text: '{{ input.json.id }}'}", "input.text is not JSON"),
        (
            "{calls: {tool: raed}}",
            "the tool raed, which the agent does not have; it has read. Did you mean read?",
        ),
        ("{calls: {tool: read, for_each: '{{ input.text }}'}}", "for_each gives no list"),
    ],
)
async def test_a_rule_that_cannot_answer_names_itself(kit: Kit, reply: str, words: str) -> None:
    model = kit.offline(f"rules:\n  - name: mine\n    reply: {reply}\n")
    failure = (await kit.ask(model, kit.request(tools=["read"]))).failure
    assert str(failure).startswith("offline.yaml:3 'mine': ")
    assert words in str(failure)


async def test_a_missing_tool_can_be_called_on_purpose(kit: Kit) -> None:
    model = kit.offline("rules: [{reply: {calls: {tool: gone, even_if_missing: true}}}]")
    assert (await kit.ask(model, kit.request())).answer.content[0]["name"] == "gone"


HELLO = "pace: {first_token: 0, tokens_per_second: 0}\nrules: [{reply: {text: hello}}]"


def body(**changes: Any) -> dict[str, Any]:
    plain = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
    return {name: value for name, value in {**plain, **changes}.items() if value is not ...}


async def test_the_sdks_other_calls_work_too(kit: Kit) -> None:
    transport = OfflineTransport(kit.script(HELLO))
    client = anthropic.AsyncAnthropic(api_key="k", http_client=httpx2.AsyncClient(transport=transport))
    whole = await client.messages.create(**body())
    async with client.messages.stream(**body()) as stream:
        streamed = await stream.get_final_message()
    assert whole.content[0].to_dict() == streamed.content[0].to_dict() == {"type": "text", "text": "hello"}
    assert whole.usage.output_tokens == streamed.usage.output_tokens
    counted = await client.messages.count_tokens(model="claude-haiku-4-5", messages=body()["messages"])
    assert counted.input_tokens == whole.usage.input_tokens
    with pytest.raises(anthropic.NotFoundError, match="has no GET /v1/models"):
        await client.models.list()


async def test_the_wire_format(kit: Kit) -> None:
    transport = OfflineTransport(kit.script(HELLO))
    async with httpx2.AsyncClient(transport=transport) as client:
        response = await client.post("http://offline.invalid/v1/messages", json=body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [part.split("\n") for part in response.text.strip().split("\n\n")]
    assert [event[0] for event in events] == [
        "event: message_start",
        "event: ping",
        "event: content_block_start",
        "event: content_block_delta",
        "event: content_block_stop",
        "event: message_delta",
        "event: message_stop",
    ]
    assert all(json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ") for name, data in events)


async def test_a_body_that_is_no_json(kit: Kit) -> None:
    transport = OfflineTransport(kit.script("rules: [{reply: {text: a}}]"))
    async with httpx2.AsyncClient(transport=transport) as client:
        response = await client.post("http://offline.invalid/v1/messages", content=b"{")
    assert response.status_code == 400


async def test_runs_side_by_side(kit: Kit) -> None:
    model = kit.offline(
        case("- error: {status: 529, times: 1, retry_after: 0.01}", "  reply: {text: 're {{ input.text }}'}")
    )
    asked: Sequence[Any] = await asyncio.gather(*(kit.ask(model, kit.request(str(number))) for number in range(8)))
    assert [one.text for one in asked] == [f"re {number}" for number in range(8)]
