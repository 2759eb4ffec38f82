"""Streamable HTTP by hand: what clients of each revision are sent, what is kept for one whose connection broke, and how requests that
cannot be served are refused."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import METRIC, NOTE
from server import ACCEPT, Answer, Sse, head_of, initialize, plain, session

OLDER = ["2024-11-05", "2025-03-26", "2025-06-18"]
REVISIONS = [*OLDER, "2025-11-25"]
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
INVALID_REQUEST, INVALID_PARAMS = -32600, -32602


def begin(server, revision: str, path: str = "/mcp") -> dict[str, str]:
    """The headers of a new session of that revision."""
    begun = server.ask("POST", path, initialize(revision), ACCEPT)
    assert begun.events()[-1]["result"]["protocolVersion"] == revision
    return ACCEPT | {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": revision}


def ids(answer: Answer) -> list[str]:
    return re.findall(r"^id: ?(\S+)", answer.body.decode(), re.MULTILINE)


def refused_as(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["error"]["data"]["code"]


# Events.


@pytest.mark.parametrize("revision", REVISIONS)
def test_only_clients_that_know_them_are_sent_events_without_data(shared, revision):
    headers = begin(shared, revision)
    answer = shared.ask("POST", "/mcp", PING, headers)
    empty = re.findall(r"^data: ?$", answer.body.decode(), re.MULTILINE)
    assert len(empty) == (0 if revision in OLDER else 1), answer.body
    assert [event["id"] for event in answer.events()] == [1]
    with shared.raw() as (connection, reader):
        connection.sendall(head_of("GET", "/mcp", {"Host": "localhost"} | headers))
        head = iter(lambda: reader.readline().strip(), b"")
        assert next(head) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("revision", REVISIONS)
def test_no_two_events_of_a_session_have_one_id(shared, revision):
    headers = begin(shared, revision)
    asked = [PING | {"id": number} for number in range(3)]
    asked += [plain("add_incident_update", NOTE, 10 + number, progressToken=number) for number in range(3)]
    given = [name for body in asked for name in ids(shared.ask("POST", "/mcp", body, headers))]
    assert len(given) == len(set(given)) >= len(asked)


# Resuming.


def broken_off(server, headers: dict[str, str], body: dict) -> str:
    """Ask, and leave after the first event; the id of that event."""
    text = json.dumps(body).encode()
    head = {"Host": "localhost", "Content-Length": str(len(text))} | headers
    with server.raw() as (connection, reader):
        connection.sendall(head_of("POST", "/mcp", head) + text)
        return next(line.split(b":")[1].strip().decode() for line in reader if line.startswith(b"id:"))


def resumed(server, headers: dict[str, str], last: str) -> Answer:
    return server.ask("GET", "/mcp", None, headers | {"Last-Event-ID": last})


@pytest.mark.parametrize("token", [None, "p", 7])
def test_an_answer_that_was_not_read_is_sent_again(serve, token):
    server = serve()
    headers = begin(server, "2025-11-25")
    more = {} if token is None else {"progressToken": token}
    last = broken_off(server, headers, plain("add_incident_update", NOTE, 7, **more))
    for _ in range(2):
        *progress, answer = resumed(server, headers, last).events()
        assert (answer["id"], answer["result"]["isError"]) == (7, False)
        assert [event["params"]["progressToken"] for event in progress] == ([] if token is None else [token] * 2)
    assert len(server.journal()) == 1, "the call ran once"
    # From an event further on, only the rest.
    named = ids(resumed(server, headers, last))
    assert ids(resumed(server, headers, named[0])) == named[1:] if len(named) > 1 else True


def test_what_cannot_be_resumed_is_refused(shared):
    headers, other = session(shared), session(shared)
    answer = shared.ask("POST", "/mcp", PING, headers)
    elsewhere = ids(shared.ask("POST", "/mcp", PING, other))[0]
    *_, last = ids(answer)
    tag = last.split("-")[0]
    for event in [last, elsewhere, f"{tag}-99-0", f"{tag}-1-99", f"{tag}-1", f"{tag}-x-y", "0", "none", "-", "1/0"]:
        assert refused_as(resumed(shared, headers, event)) == (400, "NOTHING_TO_RESUME"), event
    # One of long ago is no longer kept.
    first = ids(answer)[0]
    assert resumed(shared, headers, first).events() == answer.events()
    for number in range(40):
        shared.ask("POST", "/mcp", PING | {"id": number}, headers)
    assert refused_as(resumed(shared, headers, first)) == (400, "NOTHING_TO_RESUME")


def test_requests_of_a_session_under_one_id_are_each_answered(shared):
    headers = {"Host": "localhost"} | session(shared)
    text = json.dumps(plain("add_incident_update", NOTE, 1)).encode()
    request = head_of("POST", "/mcp", headers | {"Content-Length": str(len(text))}) + text
    with shared.raw() as (first, _), shared.raw() as (second, _):
        for connection in (first, second):
            connection.sendall(request)
        for connection in (first, second):
            received = b""
            while b'"result"' not in received:
                received += connection.recv(65536)


# Sessions.


def test_a_session_that_has_ended_is_told_so(shared):
    headers = session(shared)
    assert shared.ask("DELETE", "/mcp", None, headers).status == 204
    for method, body in [("DELETE", None), ("GET", None), ("POST", PING), ("POST", {**PING, "id": "a"})]:
        answer = shared.ask(method, "/mcp", body, headers)
        assert refused_as(answer) == (404, "SESSION_NOT_FOUND"), method
        assert answer.json().get("id") == (body and body["id"])


def test_a_request_without_a_session_is_told_what_is_missing(shared):
    for method, body in [("POST", PING), ("GET", None), ("DELETE", None)]:
        answer = shared.ask(method, "/mcp", body, ACCEPT)
        assert refused_as(answer) == (400, "SESSION_REQUIRED"), method
        assert answer.json().get("id") == (body and body["id"])


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"protocolVersion": "2025-06-18", "capabilities": {}}, "clientInfo"),
        ({"protocolVersion": "2025-06-18", "clientInfo": {"name": "c", "version": "1"}}, "capabilities"),
        (initialize("2025-06-18")["params"] | {"capabilities": None}, "params.capabilities"),
        (initialize("2025-06-18")["params"] | {"capabilities": {"roots": True}}, "params.capabilities.roots"),
        (None, "params is missing"),
        ([], "params is"),
    ],
)
def test_an_initialize_that_lacks_something_is_told_what(shared, params, part):
    body = {"jsonrpc": "2.0", "id": 3, "method": "initialize"} | ({} if params is None else {"params": params})
    answer = shared.ask("POST", "/mcp", body, ACCEPT)
    assert (answer.status, answer.json()["id"], answer.json()["error"]["code"]) == (400, 3, INVALID_PARAMS)
    assert part in answer.json()["error"]["message"]


def test_what_comes_before_the_handshake_ends_no_session_of_the_old_transport(shared):
    sse = Sse(shared, handshake=False)
    sse.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    sse.send({"jsonrpc": "2.0", "id": 5, "result": {}})
    sse.send(plain("log_metric", METRIC, 9))
    sse.send(initialize("2024-11-05"))
    refused, begun = sse.message(), sse.message()
    assert (refused["id"], refused["error"]["code"]) == (9, INVALID_PARAMS)
    assert begun["result"]["protocolVersion"] == "2024-11-05"
    sse.close()


# What a request brings and accepts.


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*"},
        {"Accept": "application/*, text/*"},
        {"Accept": "text/event-stream, */*;q=0.1"},
        {"Accept": 'text/event-stream;q=0.9, application/json;profile="a,b"'},
        {"Accept": "Application/JSON,TEXT/Event-Stream"},
        {"Content-Type": 'application/json; charset="UTF-8"'},
        {"Content-Type": "APPLICATION/JSON;charset=utf-8"},
        {"Content-Encoding": "identity"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/e/default/mcp/"])
def test_honest_headers_are_understood(shared, headers, path):
    assert shared.ask("POST", path, initialize("2025-06-18"), ACCEPT | headers).status == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Accept": "application/json"}, (406, "NOT_ACCEPTABLE")),
        ({"Accept": "*/*, text/event-stream;q=0"}, (406, "NOT_ACCEPTABLE")),
        ({"Content-Type": "application/json-rpc"}, (415, "UNSUPPORTED_TYPE")),
        ({"Content-Type": "application/json; charset=utf-16"}, (415, "UNSUPPORTED_TYPE")),
        ({"Content-Type": "text/plain"}, (415, "UNSUPPORTED_TYPE")),
        ({"Content-Encoding": "gzip"}, (415, "UNSUPPORTED_CODING")),
        ({"MCP-Protocol-Version": "1999-01-01"}, (400, "UNSUPPORTED_REVISION")),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_under_the_request_s_id(shared, headers, expected):
    answer = shared.ask("POST", "/mcp", PING, session(shared) | headers)
    assert refused_as(answer) == expected
    assert answer.json()["id"] == PING["id"]


def test_other_methods_are_refused_in_the_same_form(shared):
    answer = shared.ask("PUT", "/mcp", PING, ACCEPT)
    assert refused_as(answer) == (405, "NO_SUCH_METHOD")
    assert "POST" in answer.headers["allow"]
    assert shared.ask("HEAD", "/mcp").status == 405


FRAMED = {
    "gzip, then chunked": ("Transfer-Encoding: gzip, chunked", 501, "CODING_UNKNOWN"),
    "chunked twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, "FRAMED_TWICE"),
    "another expectation": ("Expect: 200-ok\r\nTransfer-Encoding: chunked", 417, "EXPECTATION_UNKNOWN"),
}


@pytest.mark.parametrize("name", FRAMED)
def test_a_body_that_comes_in_an_unknown_way_is_refused(shared, name):
    headers, status, code = FRAMED[name]
    text = json.dumps(PING).encode()
    with shared.raw() as (connection, reader):
        head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
        connection.sendall(head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))
        head = list(iter(lambda: reader.readline().strip().lower(), b""))
        length = next(int(line.split(b":")[1]) for line in head if line.startswith(b"content-length"))
        assert (int(head[0].split()[1]), json.loads(reader.read(length))["error"]["code"]) == (status, code)


# Batches.


def test_a_batch_is_for_clients_that_agreed_on_it(shared):
    path = f"/e/{shared.create()}/mcp"
    told = {"jsonrpc": "2.0", "method": "notifications/anything"}
    batch = [plain("log_metric", METRIC, 1), told, {"jsonrpc": "2.0", "id": 2}, PING | {"id": 3}, initialize("2025-03-26")]
    batch += [PING | {"id": 4}, PING | {"id": 4}]
    events = shared.ask("POST", path, batch, begin(shared, "2025-03-26", path)).events()
    answers = {answer["id"]: answer for answer in events}
    assert [answer["id"] for answer in events].count(4) == 2 and "error" in answers[4], "two of one id are not answered as one"
    assert answers[1]["result"]["structuredContent"]["metric_id"] == "28"
    assert answers[3]["result"] == {}
    assert [answers[number]["error"]["code"] for number in (0, 2)] == [INVALID_REQUEST] * 2
    assert shared.ask("POST", path, [told, told], begin(shared, "2025-03-26", path)).status == 202
    assert shared.ask("POST", path, [PING], begin(shared, "2024-11-05", path)).events()[0]["result"] == {}
    for revision, body in [("2025-03-26", []), ("2025-03-26", [PING] * 65), ("2025-06-18", batch), ("2025-11-25", batch)]:
        answer = shared.ask("POST", path, body, begin(shared, revision, path))
        assert (answer.status, answer.json()["error"]["code"]) == (400, INVALID_REQUEST)


def test_batches_do_not_wait_for_each_other_for_ever(shared):
    """Of requests with one id, one is at work, and whoever has taken the one must not wait for the other."""
    path = f"/e/{shared.create()}/mcp"
    headers = begin(shared, "2025-03-26", path)
    [answer, fault] = shared.ask("POST", path, [PING, PING | {"id": 1.0}], headers).events()
    assert answer["result"] == {} and fault["error"]["code"] == INVALID_REQUEST
    batches = [[plain("log_metric", {}, number) for number in order] for order in ([1, 2], [2, 1])] * 10
    with ThreadPoolExecutor(len(batches)) as pool:
        answers = [answer.events() for answer in pool.map(lambda body: shared.ask("POST", path, body, headers), batches)]
    assert [len(events) for events in answers] == [2] * len(batches)


def test_a_byte_order_mark_makes_no_difference(shared):
    path = f"/e/{shared.create()}/mcp"
    headers = begin(shared, "2025-03-26", path)
    for message, count in [(PING, 1), ([PING, PING | {"id": 2}], 2)]:
        answer = shared.ask("POST", path, b"\xef\xbb\xbf" + json.dumps(message).encode(), headers)
        assert len(answer.events()) == count


# Messages that say two things.


@pytest.mark.parametrize("batched", [False, True])
def test_a_message_that_says_two_things_is_refused(shared, batched):
    path = f"/e/{shared.create()}/mcp"
    headers = begin(shared, "2025-03-26", path)
    text = json.dumps(plain("log_metric", METRIC | {"twice": 1}, 5)).replace('"twice": 1', '"x": 1, "x": 2')
    answer = shared.ask("POST", path, (f"[{text}]" if batched else text).encode(), headers)
    refused = answer.events()[0] if batched else answer.json()
    assert (answer.status, refused["id"], refused["error"]["code"]) == (200 if batched else 400, 5, INVALID_PARAMS)
    assert refused["error"]["message"].startswith("params.arguments.x is there twice")
    assert shared.journal(path.split("/")[2]) == []


# Keys.


@pytest.mark.parametrize("key", ["a\tb", "a\nb", "caf\u00e9", "a\u200bb", "\x7f"])
def test_a_key_is_printable(shared, key):
    body = plain("add_incident_update", NOTE, 1, idempotencyKey=key)
    assert shared.ask("POST", "/mcp", body, session(shared)).events()[-1]["error"]["code"] == INVALID_PARAMS
