"""The program as a server over HTTP: what clients of each era get, what nobody may do, and the server's end.

Nothing waits for time to pass, but where a limit is a time. To hold a request at work, its body is held back.
"""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager

import anyio
import pytest
from mcp import Client, ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from program import HALTING, METRIC, NOTE, committed_tools
from server import (
    ACCEPT,
    META,
    PATIENCE,
    Answer,
    Sse,
    head_of,
    headers_of,
    message,
    plain,
    read_pipelined,
    session,
)

ERAS = ["2025-11-25", "2026-07-28"]
PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS = -32700, -32600, -32602
TOKEN = "an-agent-s-own-token-0001"
CONTROL_TOKEN = "an-evaluator-s-token-0001"
CALL = message("add_incident_update", NOTE)


def ways(test):
    """Run it over each way to one episode."""
    return pytest.mark.parametrize("way", [*ERAS, "sse"])(test)


@asynccontextmanager
async def connected(url: str, way: str):
    """The SDK's session with an episode: Streamable HTTP in each era, and the old transport."""
    transport = sse_client(f"{url}/sse") if way == "sse" else streamable_http_client(f"{url}/mcp")
    async with transport as streams, ClientSession(*streams[:2]) as client:
        await (client.discover() if way == "2026-07-28" else client.initialize())
        yield client


# What the SDK gets.


@ways
@pytest.mark.anyio
async def test_the_sdk_lists_and_calls(serve, way):
    server = serve()
    async with connected(server.url, way) as client:
        assert client.server_info.name == "incident-mcp"
        page = await client.list_tools()
        listed = [tool.model_dump(by_alias=True, exclude_none=True) for tool in page.tools]
        same = listed == committed_tools("all")
        assert same, "not as committed; see tests/it/tools.rs"
        halt = await client.call_tool("log_metric", HALTING)
        assert halt.is_error and halt.structured_content["code"] == "INCIDENT_NOT_CLOSED"
        result = await client.call_tool("log_metric", METRIC)
        assert result.structured_content["metric_id"] == "28"
        assert json.loads(result.content[0].text) == result.structured_content
        with pytest.raises(MCPError) as error:
            await client.call_tool("log_metrics", METRIC)
        assert error.value.code == INVALID_PARAMS
        [content] = (await client.read_resource("policy://all")).contents
        assert content.text.startswith("# ")


@ways
@pytest.mark.anyio
async def test_progress_is_told(shared, way):
    told = []

    async def progress(step, total, text):
        told.append((step, total, text))

    async with connected(shared.url, way) as client:
        result = await client.call_tool("add_incident_update", NOTE, progress_callback=progress)
        assert not result.is_error
        with anyio.fail_after(PATIENCE):
            while len(told) < 2:
                await anyio.lowlevel.checkpoint()
    assert told == [(1, 2, "its turn has come"), (2, 2, "done")]


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_the_client_finds_its_era_by_itself(shared, era):
    async with Client(f"{shared.url}/mcp", mode="legacy" if era == ERAS[0] else "auto") as client:
        assert client.protocol_version == era
        assert not (await client.call_tool("add_incident_update", NOTE)).is_error


# The form of answers.


def test_a_call_without_a_session_is_answered_with_json(shared):
    answer = shared.post(CALL)
    assert (answer.status, answer.headers.get_content_type()) == (200, "application/json")
    assert "mcp-session-id" not in answer.headers
    assert answer.json()["result"]["structuredContent"]["update_id"].isdigit()


def test_a_call_that_asks_for_progress_is_answered_with_events(shared):
    answer = shared.post(message("add_incident_update", NOTE, progressToken="p"))
    first, second, result = answer.events()
    assert [event["params"]["progress"] for event in (first, second)] == [1, 2]
    assert {event["params"]["progressToken"] for event in (first, second)} == {"p"}
    assert not result["result"]["isError"]
    # A proxy must not hold the events back.
    assert answer.headers["x-accel-buffering"] == "no"


def test_a_session_is_answered_with_events_and_can_be_ended(shared):
    headers = session(shared)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = shared.ask("POST", "/mcp", body, headers)
    assert answer.events()[-1]["result"]["tools"]
    assert shared.ask("DELETE", "/mcp", None, headers).status in (200, 202, 204)
    # So that the client begins a new one.
    assert shared.ask("POST", "/mcp", body, headers).status == 404


# Episodes.


def refused_as(answer: Answer) -> str:
    """The stable code of a refusal: at an MCP address in a JSON-RPC error, elsewhere in our own form."""
    error = answer.json()["error"]
    return error.get("data", error)["code"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/e/none/mcp"), ("GET", "/e/none/mcp"), ("GET", "/e/none/sse")])
def test_an_unknown_episode_is_told_so(shared, method, path):
    body = CALL if method == "POST" else None
    answer = shared.ask(method, path, body, headers_of(CALL))
    assert (answer.status, refused_as(answer)) == (404, "EPISODE_NOT_FOUND")
    # A client that waits for an answer knows it by its id.
    assert answer.json().get("id") == (body and body["id"])


def test_an_ended_episode_is_told_so(shared):
    episode = shared.create()
    sse, headers = Sse(shared, f"/e/{episode}"), session(shared, f"/e/{episode}/mcp")
    assert shared.post(CALL, f"/e/{episode}/mcp").status == 200
    assert shared.control("DELETE", f"/episodes/{episode}").json()["calls"] == 1
    for answer in (
        shared.post(CALL, f"/e/{episode}/mcp"),
        shared.ask("POST", f"/e/{episode}/mcp", plain("add_incident_update", NOTE), headers),
        shared.ask("GET", f"/e/{episode}/sse"),
    ):
        assert (answer.status, refused_as(answer)) == (410, "EPISODE_ENDED")
    assert sse.message() is None, "its streams end with it"


def test_episodes_do_not_see_each_other(shared):
    first, second = shared.create(actor="6"), shared.create(policy="client-user-vendor", audit="automatic")
    paths = [f"/e/{first}/mcp", f"/e/{second}/mcp"]
    anonymous = {name: value for name, value in METRIC.items() if name != "recorded_by_user"}
    assert shared.call("log_metric", anonymous, paths[0])["metric_id"] == "28"
    # It has no such tool, and its own next number.
    assert shared.post(message("log_metric", METRIC), paths[1]).json()["error"]["code"] == INVALID_PARAMS
    third = shared.create()
    assert shared.call("log_metric", METRIC, f"/e/{third}/mcp")["metric_id"] == "28"
    assert [entry["tool"] for entry in shared.journal(first)] == ["log_metric"]
    assert shared.journal(second) == []
    assert shared.control("GET", f"/episodes/{second}/diff").json()["differences"] == []


def test_the_public_listener_has_nothing_of_the_control_plane(shared):
    for path in ("/episodes", "/episodes/default", "/episodes/default/journal", "/metrics", "/openapi.json"):
        assert shared.control("GET", path).status == 200, path
        assert shared.ask("GET", path).status == 404, path
    # Nor does a path lead there by itself.
    for path in ("/e/../episodes", "/e/%2e%2e/episodes", "/e/default/../../episodes", "//episodes"):
        assert shared.ask("GET", path).status == 404, path


# Order.


def numbers(results: list[dict]) -> list[int]:
    return [int(result["structuredContent"]["update_id"]) for result in results]


def test_calls_over_sse_run_in_the_order_of_their_arrival(shared):
    sse = Sse(shared)
    connection = shared.connection()
    for number in range(1, 201):
        body = json.dumps(plain("add_incident_update", NOTE, number))
        connection.request("POST", sse.address, body, {"Content-Type": "application/json"})
        assert connection.getresponse().read() == b"Accepted"
    answers = {answer["id"]: answer["result"] for answer in (sse.message() for _ in range(200))}
    given = numbers([answers[number] for number in range(1, 201)])
    assert given == list(range(given[0], given[0] + 200))
    sse.close()


@pytest.mark.parametrize("era", ERAS)
def test_calls_on_one_connection_run_in_the_order_in_which_they_were_sent(shared, era):
    """All are sent before the first answer is read."""
    with_session = era == ERAS[0]
    headers = {"Host": "localhost"} | (session(shared) if with_session else headers_of(CALL))
    call = plain if with_session else message
    bodies = [json.dumps(call("add_incident_update", NOTE, number)).encode() for number in range(50)]
    requests = b"".join(head_of("POST", "/mcp", headers | {"Content-Length": str(len(text))}) + text for text in bodies)
    with shared.raw() as (connection, reader), ThreadPoolExecutor(1) as sender:
        sent = sender.submit(connection.sendall, requests)
        answers = [read_pipelined(reader) for _ in bodies]
        sent.result(PATIENCE)
    results = [(answer.events()[-1] if with_session else answer.json())["result"] for answer in answers]
    given = numbers(results)
    assert given == list(range(given[0], given[0] + 50))


def test_calls_over_many_connections_run_in_the_order_in_which_their_bodies_arrived(shared):
    """All are at the server, each but for its body; the bodies then come in another order."""
    with ExitStack() as stack:
        held = [stack.enter_context(shared.half_sent(CALL)) for _ in range(20)]
        answers = [request.finish() for request in reversed(held)]
    given = numbers([answer.json()["result"] for answer in answers])
    assert given == list(range(given[0], given[0] + 20))


def test_many_clients_at_once_get_each_number_once(shared):
    def work(_):
        connection, given = shared.connection(), []
        for _ in range(20):
            connection.request("POST", "/mcp", json.dumps(CALL), headers_of(CALL))
            given += numbers([json.loads(connection.getresponse().read())["result"]])
        connection.close()
        assert given == sorted(given)
        return given

    with ThreadPoolExecutor(16) as clients:
        given = sorted(number for numbers in clients.map(work, range(16)) for number in numbers)
    assert given == list(range(given[0], given[0] + 16 * 20))


# Exactly once.


def by_header(key):
    return message("add_incident_update", NOTE), {"Idempotency_Key": key}


def by_meta(key):
    return message("add_incident_update", NOTE, idempotencyKey=key), {}


@pytest.mark.parametrize("with_key", [by_header, by_meta])
def test_a_repeated_key_gets_the_first_answer_and_writes_nothing(shared, with_key):
    path = f"/e/{shared.create()}/mcp"
    body, headers = with_key("one")
    first = shared.post(body, path, **headers).json()["result"]
    again = shared.post(body | {"id": "another"}, path, **headers).json()
    assert (again["id"], again["result"]) == ("another", first)
    # The next call has the next number, so the repeated one took none.
    body, headers = with_key("two")
    other = shared.post(body, path, **headers).json()["result"]
    assert numbers([other]) == [numbers([first])[0] + 1]
    assert len(shared.journal(path.split("/")[2])) == 2
    # The key of another call.
    other = body | {"params": body["params"] | {"arguments": NOTE | {"note": "another"}}}
    refused = shared.post(other, path, **headers).json()
    assert refused["error"]["code"] == INVALID_PARAMS and "key" in refused["error"]["message"]
    assert len(shared.journal(path.split("/")[2])) == 2


def test_a_key_is_the_episode_s_on_every_transport(shared):
    episode = shared.create()
    path = f"/e/{episode}"
    first = shared.post(*by_meta("k")[:1], f"{path}/mcp").json()["result"]["structuredContent"]
    sse = Sse(shared, path)
    sse.send(plain("add_incident_update", NOTE, idempotencyKey="k"))
    assert sse.message()["result"]["structuredContent"] == first
    sse.close()
    headers = session(shared, f"{path}/mcp") | {"Idempotency-Key": "k"}
    answer = shared.ask("POST", f"{path}/mcp", plain("add_incident_update", NOTE), headers)
    assert answer.events()[-1]["result"]["structuredContent"] == first
    # Another episode knows nothing of it.
    other = shared.create()
    shared.post(*by_meta("k")[:1], f"/e/{other}/mcp")
    assert [len(shared.journal(name)) for name in (episode, other)] == [1, 1]


def test_a_halt_is_repeated_too(shared):
    path = f"/e/{shared.create()}/mcp"
    body = message("log_metric", HALTING, idempotencyKey="h")
    answers = [shared.post(body, path).json()["result"] for _ in range(2)]
    assert answers[0] == answers[1] and answers[0]["isError"]
    assert len(shared.journal(path.split("/")[2])) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_length(shared, key):
    assert shared.post(*by_meta(key)[:1]).json()["error"]["code"] == INVALID_PARAMS


def test_calls_at_once_under_one_key_run_once(shared):
    episode = shared.create()
    with ThreadPoolExecutor(8) as clients:
        body = by_meta("same")[0]
        results = list(clients.map(lambda _: shared.post(body, f"/e/{episode}/mcp").json()["result"], range(32)))
    assert all(result == results[0] for result in results)
    assert len(shared.journal(episode)) == 1


# Those who leave.


def test_who_leaves_before_the_body_is_there_calls_nothing(shared):
    episode = shared.create()
    with shared.half_sent(CALL, f"/e/{episode}/mcp"):
        pass
    with shared.raw() as (connection, _):
        text = json.dumps(CALL).encode()
        head = {"Host": "localhost", "Content-Length": str(len(text))} | headers_of(CALL)
        connection.sendall(head_of("POST", f"/e/{episode}/mcp", head) + text[:-20])
    assert shared.call("add_incident_update", NOTE, f"/e/{episode}/mcp")["update_id"] == "116"
    assert len(shared.journal(episode)) == 1


def test_who_leaves_while_calls_are_at_work_leaves_whole_calls(serve):
    """Clients send calls and hang up at once, without reading. Each call ran whole or not at all."""
    server = serve("--audit", "automatic")
    text = json.dumps(CALL).encode()
    head = {"Host": "localhost", "Content-Length": str(len(text))} | headers_of(CALL)

    def leave(_):
        with server.raw() as (connection, _):
            connection.sendall(head_of("POST", "/mcp", head) + text)

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(leave, range(100)))
        sse = Sse(server)
        for number in range(1, 20):
            sse.send(plain("add_incident_update", NOTE, number))
        sse.close()
    assert_whole(server)


def assert_whole(server, most=120):
    last = int(server.call("add_incident_update", NOTE)["update_id"])
    journal = server.journal()
    assert len(journal) == last - 115 <= most, "each call in the journal took one number, and no other did"
    for entry in journal:
        assert entry["outcome"] == "ok"
        # The update, the incident that it belongs to, and the audit entry: all or none.
        tables = sorted(change["table"] for change in entry["changes"])
        assert tables == sorted(change["table"] for change in journal[-1]["changes"])


def test_a_cancelled_call_is_not_answered_over_sse_and_others_are(shared):
    """The cancellation may come too late; then the call is answered. Never is it half done."""
    episode = shared.create()
    sse = Sse(shared, f"/e/{episode}")
    for number in range(1, 101):
        sse.send(plain("add_incident_update", NOTE, number))
        sse.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
    sse.send(plain("add_incident_update", NOTE, "last"))
    answered = []
    while (answer := sse.message())["id"] != "last":
        answered.append(answer)
    made = numbers([answer["result"] for answer in answered if "result" in answer])
    calls = len(shared.journal(episode)) - 1
    assert len(made) <= calls <= 100
    assert numbers([answer["result"]]) == [115 + calls + 1]
    sse.close()


def test_a_client_that_does_not_read_keeps_nobody_waiting(shared):
    """Its answers fill its stream, and its calls come to their turn. Others of the same episode go on."""
    sse = Sse(shared)
    listing = {"jsonrpc": "2.0", "method": "tools/list"}
    connection = shared.connection()
    # As many as fill a stream and what the kernel holds of it, several times over.
    for number in range(1, 1_000):
        body = listing | {"id": number} if number < 900 else plain("add_incident_update", NOTE, number, progressToken="p")
        connection.request("POST", sse.address, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status != 202:
            # Or the server has had enough of it.
            assert response.status in (404, 503)
            break
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(shared.post, CALL)
        try:
            assert answer.result(10).status == 200
        finally:
            sse.close()


# What may not come in.


def test_hosts_and_origins_are_refused(serve):
    server = serve("--allow-host", "agents.example", "--allow-origin", "https://inspector.example")
    for host, status in [
        ("evil.example", 403),
        ("evil.example:7330", 403),
        ("localhost.evil.example", 403),
        ("10.1.2.3", 403),
        ("", 403),
        ("localhost:1", 200),
        ("[::1]:7330", 200),
        ("agents.example", 200),
        ("AGENTS.example:443", 200),
    ]:
        answer = server.post(CALL, Host=host)
        assert answer.status == status, host
        if status == 403:
            assert answer.json()["error"]["code"] == "HOST_NOT_ALLOWED"
    for origin, status in [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost.evil.example", 403),
        ("https://inspector.example.evil.example", 403),
        ("https://inspector.example", 200),
        ("http://localhost:6274", 200),
        ("http://127.0.0.1", 200),
    ]:
        answer = server.post(CALL, Origin=origin)
        assert answer.status == status, origin
        if status == 403:
            assert answer.json()["error"]["code"] == "ORIGIN_NOT_ALLOWED"
    for path in ("/sse", "/messages", "/e/x/mcp", "/nowhere"):
        assert server.ask("GET", path, None, {"Host": "evil.example"}).status == 403, path
    assert server.ask("GET", "/episodes", None, {"Host": "evil.example"}, server.control_port).status == 403


def test_a_token_is_asked_for_everywhere(serve, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{CONTROL_TOKEN}\n", encoding="utf-8")
    server = serve("--control-token-file", str(file), env={"INCIDENT_MCP_TOKEN": TOKEN})
    for method, path in [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/sse"), ("POST", "/messages"), ("GET", "/e/x/mcp")]:
        for value in (None, f"Bearer {CONTROL_TOKEN}", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer "):
            headers = headers_of(CALL) | ({} if value is None else {"Authorization": value})
            answer = server.ask(method, path, CALL if method == "POST" else None, headers)
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), (path, value)
            assert answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert server.post(CALL, Authorization=f"Bearer {TOKEN}").status == 200
    assert server.post(CALL, Authorization=f"bearer {TOKEN}").status == 200
    # An agent's token opens nothing of the control plane.
    for value, status in [(None, 401), (f"Bearer {TOKEN}", 401), (f"Bearer {CONTROL_TOKEN}", 200)]:
        headers = {} if value is None else {"Authorization": value}
        assert server.ask("GET", "/episodes", None, headers, server.control_port).status == status
    # Whoever watches the server needs none.
    for path in ("/healthz", "/readyz"):
        assert server.ask("GET", path).status == 200
    assert TOKEN not in server.log and CONTROL_TOKEN not in server.log


def test_a_body_has_a_limit(serve):
    server = serve("--max-body", "2000")
    assert server.post(message("add_incident_update", NOTE | {"note": "x" * 1_000})).status == 200
    long = json.dumps(message("add_incident_update", NOTE | {"note": "x" * 2_000})).encode()
    sse = Sse(server)
    for path in ("/mcp", sse.address):
        answer = server.ask("POST", path, long, headers_of(CALL))
        assert answer.status == 413, path
    # Nor if its length is not told before.
    connection = server.connection()
    connection.request("POST", "/mcp", iter([long[:1_000], long[1_000:]]), headers_of(CALL), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    sse.close()


def test_heads_have_limits(shared):
    many = {f"X-{number}": "1" for number in range(150)}
    assert shared.ask("GET", "/healthz", None, many).status == 431
    # The server may close before it has read it all.
    with shared.raw() as (connection, reader):
        try:
            connection.sendall(head_of("GET", "/healthz", {"Host": "localhost", "X": "x" * 2_000_000}))
        except OSError:
            pass
        else:
            assert reader.readline().split()[1] == b"431"
    assert shared.ask("GET", "/healthz").status == 200


def test_requests_are_rationed(serve):
    server = serve("--rate-limit", "5")
    answers = [server.post(CALL) for _ in range(50)]
    refused = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in refused} == {429} and len(refused) < 46
    assert refused[0].json()["error"]["code"] == "RATE_LIMITED"
    assert refused[0].headers["retry-after"] == "1"
    # Evaluators are not, nor who asks how the server is.
    for _ in range(50):
        assert server.control("GET", "/episodes").status == 200
        assert server.ask("GET", "/healthz").status == 200


def test_requests_that_are_still_to_come_take_no_place(serve):
    server = serve("--max-requests", "1")
    with server.half_sent(CALL) as first, server.half_sent(CALL) as second:
        assert server.post(CALL).status == 200
        assert (first.finish().status, second.finish().status) == (200, 200)


def test_who_watches_the_server_is_never_turned_away(serve):
    server = serve("--max-requests", "1")
    with server.half_sent(CALL):
        assert [server.ask("GET", path).status for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_slow_body_is_given_up(serve):
    server = serve("--timeout", "1")
    with server.half_sent(CALL) as request:
        answer = request.answer()
        assert (answer.status, answer.json()["error"]["code"]) == (504, "TIMED_OUT")
    assert server.journal() == []


MALFORMED = {
    "half a message": b'{"jsonrpc":"2.0","id":1,',
    "nothing": b"",
    "bad UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "nested 100000 deep": b"[" * 100_000,
    "a number": b"12",
    "a batch": json.dumps([CALL, CALL]).encode(),
    "an empty batch": b"[]",
    "another protocol": json.dumps(CALL | {"jsonrpc": "1.0"}).encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_message_is_refused(shared, name):
    before = len(shared.journal())
    sse = Sse(shared)
    for path, headers in (("/mcp", headers_of(CALL)), ("/mcp", ACCEPT), (sse.address, ACCEPT)):
        if (name, path) == ("a batch", sse.address):
            continue  # Its revision has them.
        answer = shared.ask("POST", path, MALFORMED[name], headers)
        assert answer.status == 400, path
        refused = answer.json()
        assert refused["jsonrpc"] == "2.0" and refused["error"]["message"]
        assert refused["error"]["code"] in (PARSE_ERROR, INVALID_REQUEST)
    sse.close()
    assert len(shared.journal()) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Accept": "application/json"}, 406),
        ({"Accept": "text/html"}, 406),
        ({"Mcp-Name": "log_metric"}, 400),
        ({"Mcp-Method": "tools/list"}, 400),
        ({"MCP-Protocol-Version": "2031-01-01"}, 400),
        ({"Mcp-Session-Id": "unknown", "MCP-Protocol-Version": "2025-11-25"}, 404),
    ],
)
def test_headers_that_do_not_fit_are_refused(shared, headers, status):
    before = len(shared.journal())
    body = CALL if "Mcp-Session-Id" not in headers else {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert shared.ask("POST", "/mcp", body, headers_of(CALL) | headers).status == status
    assert len(shared.journal()) == before


def test_nothing_is_served_elsewhere(shared):
    for path in ("/", "/e/default", "/e//mcp", "/mcp/x", "/messages/x"):
        assert shared.ask("GET", path).status == 404, path
    assert shared.ask("PUT", "/mcp", CALL, headers_of(CALL)).status == 405


# The log.

SECRET = "this-is-nobody-s-business"


def test_no_argument_s_value_is_in_the_log(serve):
    server = serve()
    secret = {"arguments": {"incident_id": SECRET}, "name": "log_metric"}
    requests = [
        message("add_incident_update", NOTE | {"note": SECRET}),
        message("add_incident_update", NOTE | {"note": SECRET}, idempotencyKey="k"),
        message("add_incident_update", NOTE | {"note": SECRET * 2}, idempotencyKey="k"),
        message("add_incident_update", {"incident_id": SECRET, "note": [SECRET], SECRET: SECRET}),
        message("find_clients", {"client_name": SECRET, "acting_user": SECRET}),
        {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": secret | {"_meta": META}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5, "arguments": SECRET, "_meta": META}},
    ]
    sse = Sse(server)
    for number, body in enumerate(requests):
        server.post(body)
        server.ask("POST", "/mcp", json.dumps(body).encode()[:-1], headers_of(body))
        sse.send(body | {"id": number + 1})
    for _ in requests:
        assert sse.message()
    sse.close()
    server.terminate()
    assert server.ended() == 0
    assert SECRET not in server.log


def test_a_line_names_the_client_s_trace(serve):
    # What rmcp says of an error that it answers is no warning of ours.
    server = serve(env={"INCIDENT_MCP_LOG": "info"})
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    answer = server.post(message("log_metrics", {}), traceparent=f"00-{trace}-{parent}-01")
    assert answer.json()["error"]["code"] == INVALID_PARAMS
    line = server.log_line(rf"WARN.*trace_id=\"?{trace}.*")[0]
    assert parent in line


# The end.


def test_what_was_accepted_is_answered_before_the_end(serve):
    server = serve("--drain", "60")
    # Streams that nobody needs any more do not hold it up.
    sse, listener = Sse(server), server.connection()
    listener.request("GET", "/mcp", headers=session(server) | {"Accept": "text/event-stream"})
    assert listener.getresponse().status == 200
    # Connections from before stay open.
    kept = [server.connection() for _ in range(4)]
    for connection in kept:
        assert asked(connection, "GET", "/readyz").status == 200
    with server.half_sent(CALL) as request:
        server.terminate()
        # Meanwhile it lives, says that it is about to end, and takes nothing new.
        assert asked(kept[0], "GET", "/healthz").status == 200
        assert asked(kept[1], "GET", "/readyz").status == 503
        refused = asked(kept[2], "POST", "/mcp", CALL, headers_of(CALL))
        assert (refused.status, refused.json()["error"]["code"]) == (503, "DRAINING")
        with pytest.raises(OSError):
            server.post(CALL)
        answer = request.finish()
        assert (answer.status, numbers([answer.json()["result"]])) == (200, [116])
    assert sse.message() is None
    assert server.ended() == 0
    for connection in [listener, *kept]:
        connection.close()


def asked(connection: http.client.HTTPConnection, method: str, path: str, body=None, headers=None) -> Answer:
    """One more request on a connection."""
    connection.request(method, path, body and json.dumps(body), headers or {})
    return Answer.of(connection.getresponse())


def test_calls_accepted_over_sse_are_answered_before_the_end(serve):
    server = serve()
    sse, connection = Sse(server), server.connection()
    accepted = 0
    end = threading.Thread(target=server.terminate)
    try:
        for number in range(1, 2_000):
            body = json.dumps(plain("add_incident_update", NOTE, number))
            connection.request("POST", sse.address, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            if response.status != 202:
                break
            accepted += 1
            if accepted == 100:
                end.start()
    except (OSError, http.client.HTTPException):
        # It has closed the connection.
        pass
    end.join()
    answers = {answer["id"] for answer in sse.messages()}
    assert set(range(1, accepted + 1)) <= answers, f"{accepted} were accepted"
    assert server.ended() == 0


def test_the_end_waits_only_so_long(serve):
    server = serve("--drain", "1")
    with server.half_sent(CALL):
        server.terminate()
        assert server.ended() == 0
    assert "were not answered in time" in server.log


def test_a_second_signal_ends_it_at_once(serve):
    server = serve("--drain", "600")
    with server.half_sent(CALL):
        server.terminate()
        server.process.terminate()
        assert server.ended() == 1


def test_it_can_be_ended_as_soon_as_it_says_that_it_listens(serve):
    for _ in range(10):
        server = serve()
        server.process.terminate()
        assert server.ended() == 0


def test_skills_are_served_to_those_who_know_them(shared):
    def asked(method: str, **params) -> dict:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": META}}
        name = {"Mcp-Name": params["uri"]} if method == "resources/read" else {}
        answer = shared.ask("POST", "/mcp", body, headers_of(body) | name)
        assert answer.status == 200, answer
        return answer.json()["result"]

    [first, *others] = asked("skills/list")["skills"]
    assert others and first["uri"].startswith("skill://") and first["uri"].endswith("/SKILL.md")
    assert asked("skills/get", uri=first["uri"])["skill"] == first
    assert asked("resources/read", uri=first["uri"])["contents"][0]["text"].startswith("---\n")
    # Whoever agreed on an older revision knows no such methods.
    old = {"jsonrpc": "2.0", "id": 1, "method": "skills/list", "params": {}}
    *_, refused = shared.ask("POST", "/mcp", old, session(shared)).events()
    assert refused["error"]["code"] == -32601
