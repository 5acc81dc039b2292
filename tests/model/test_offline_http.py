from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.model.offline_http import answered_servers, merged, offline_http_transport

if TYPE_CHECKING:
    from tests.model.conftest import Kit

SCRIPT = """
rules: [{reply: {text: x}}]
http:
  zendesk:
    - {request: 'GET /tickets/{id}', file: 'fixtures/{id}.json', recall: 'ticket-{id}'}
    - request: PUT /tickets/{id}
      body: {ticket.status: solved}
      remember: ticket-{id}
      json: {ok: true, id: '{{ path.id }}', status: '{{ body.ticket.status }}', all: '{{ body }}'}
    - {request: 'PATCH /tickets/{id}', remember: 'ticket-{id}', file: 'fixtures/{id}.json', recall: 'ticket-{id}'}
    - request: GET /search
      query: {q: 'status:open', page: {matches: '^[12]$'}}
      json: {results: [1], page: '{{ query.page }}'}
    - {request: GET /search, headers: {X-Total: '0', Content-Type: application/vnd.api+json}, json: []}
    - {request: 'DELETE /tickets/{id}/notes/{note}', status: 403, text: 'not {{ path.note }} of {{ path.id }}'}
    - {request: POST /ping, status: 204}
    - {request: GET /page, file: fixtures/page.html}
    - {request: GET /memory, recall: ticket-7}
  empty: []
"""


@pytest.fixture
def folder(kit: Kit) -> Path:
    fixtures = kit.folder / "fixtures"
    fixtures.mkdir()
    (fixtures / "7.json").write_text('{"ticket": {"id": 7, "status": "open", "tags": ["a"], "note": "n"}}')
    (fixtures / "page.html").write_text("<p>hi</p>")
    (kit.folder / "secret.json").write_text('{"secret": 1}')
    return kit.folder


@pytest.fixture
async def api(kit: Kit, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    assert folder.is_dir()
    transport = offline_http_transport(kit.script(SCRIPT), "zendesk")
    assert transport is not None
    async with httpx2.AsyncClient(transport=transport, base_url="https://api.zendesk.test") as client:
        yield client


def test_which_servers_are_answered(kit: Kit, folder: Path) -> None:
    assert folder.is_dir()
    script = kit.script(SCRIPT)
    assert answered_servers(script) == {"zendesk", "empty"}
    assert offline_http_transport(script, "other") is None


async def test_a_file(api: httpx2.AsyncClient) -> None:
    response = await api.get("/tickets/7")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["ticket"]["status"] == "open"
    assert (await api.get("/page")).headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    "name",
    ["8", "..%2Fsecret", "%2e%2e%2Fsecret", "..%5Csecret", "%00", "7.json%00", "%2Fetc%2Fpasswd", "x" * 500],
)
async def test_no_other_file_is_reached(api: httpx2.AsyncClient, name: str) -> None:
    request = api.build_request("GET", "https://api.zendesk.test/tickets/x")
    request.url = request.url.copy_with(raw_path=f"/tickets/{name}".encode())
    response = await api.send(request)
    assert response.status_code == 404
    assert "secret" not in response.text


async def test_a_link_out_of_the_folder_is_not_followed(
    api: httpx2.AsyncClient, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "9.json"
    outside.write_text("{}")
    (folder / "fixtures" / "9.json").symlink_to(outside)
    assert (await api.get("/tickets/9")).status_code == 404


async def test_what_was_changed_is_found_changed(kit: Kit, api: httpx2.AsyncClient) -> None:
    change = {"ticket": {"status": "solved", "note": None, "by": {"name": "Ann"}}}
    assert (await api.put("/tickets/7", json=change)).json() == {
        "ok": True,
        "id": "7",
        "status": "solved",
        "all": change,
    }
    found = (await api.get("/tickets/7")).json()["ticket"]
    assert found == {"id": 7, "status": "solved", "tags": ["a"], "by": {"name": "Ann"}}
    answer = (await api.patch("/tickets/7", json={"ticket": {"tags": []}})).json()["ticket"]
    assert (answer["tags"], answer["status"]) == ([], "solved")
    assert (await api.get("/memory")).json()["ticket"]["by"] == {"name": "Ann"}
    other = offline_http_transport(kit.script(SCRIPT), "zendesk")
    async with httpx2.AsyncClient(transport=other, base_url="https://api.zendesk.test") as afresh:
        assert (await afresh.get("/tickets/7")).json()["ticket"]["status"] == "open"


async def test_query_status_headers_and_text(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/search", params={"q": "x status:open", "page": "2"})).json() == {
        "results": [1],
        "page": "2",
    }
    empty = await api.get("/search", params={"q": "status:open", "page": "3"})
    assert (empty.json(), empty.headers["x-total"]) == ([], "0")
    assert empty.headers["content-type"] == "application/vnd.api+json"
    refused = await api.delete("/tickets/7/notes/a%20b")
    assert (refused.status_code, refused.text) == (403, "not a b of 7")
    nothing = await api.post("/ping")
    assert (nothing.status_code, nothing.content) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "content", "words"),
    [
        ("GET", "/nope", b"", "has no answer of zendesk for GET /nope"),
        ("GET", "/tickets/7/more", b"", "the path is another"),
        ("POST", "/tickets/7", b"{}", "the method is another"),
        ("PUT", "/tickets/7", b'{"ticket": {"status": "open"}}', 'ticket.status of the body is "open", not "solved"'),
        ("PUT", "/tickets/7", b"not json", "the body has no 'ticket': it is null"),
    ],
)
async def test_what_no_route_answers_is_told(
    api: httpx2.AsyncClient, method: str, path: str, content: bytes, words: str
) -> None:
    response = await api.request(method, path, content=content)
    assert response.status_code == 501
    assert words in response.json()["error"]


async def test_a_template_without_a_value_is_told(kit: Kit) -> None:
    text = "rules: [{reply: {text: x}}]\nhttp: {a: [{request: POST /x, json: '{{ body.id }}'}]}\n"
    transport = offline_http_transport(kit.script(text), "a")
    async with httpx2.AsyncClient(transport=transport) as client:
        response = await client.post("http://a.test/x", json={"no": 1})
    assert response.status_code == 501
    assert "offline.yaml:3 POST /x: the request.body has no 'id' (it has no)" in response.json()["error"]


json_objects = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(base=json_objects, change=json_objects)
def test_merging_twice_is_merging_once(base: Any, change: Any) -> None:
    once = merged(base, change)
    assert merged(once, change) == once
    assert json.loads(json.dumps(once)) == once


def test_the_examples_of_the_merge_patch_rfc() -> None:
    cases = [
        ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
        ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
        ('["a","b"]', '["c","d"]', '["c","d"]'),
        ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
        ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
        ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
    ]
    for base, change, expected in cases:
        assert merged(json.loads(base), json.loads(change)) == json.loads(expected)
