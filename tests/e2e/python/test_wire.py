"""The program as no client should treat it: raw lines, and what becomes of them.

Whatever comes, there is a clear answer or a clean end, the server goes on, and what was not a good call changes nothing.
"""

import json
import re
import subprocess
from dataclasses import dataclass

import pytest

from program import HALTING, MANAGER, METRIC, NOTE, PROGRAM, environment

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
}
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, UNSUPPORTED_VERSION = -32602, -32022


def line(message) -> bytes:
    return json.dumps(message).encode() + b"\n"


def request(number, method, params=None) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method}
    return line(message if params is None else message | {"params": params})


def notification(method, params=None) -> bytes:
    message = {"jsonrpc": "2.0", "method": method}
    return line(message if params is None else message | {"params": params})


def call(number, tool, arguments, **more) -> bytes:
    return request(number, "tools/call", {"name": tool, "arguments": arguments} | more)


def ping(number) -> bytes:
    return request(number, "ping")


INITIALIZE = request(
    0,
    "initialize",
    {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}},
)
HANDSHAKE = INITIALIZE + notification("notifications/initialized")


@dataclass
class Ran:
    """What came of a whole input, up to its end."""

    answers: list
    calls: int
    state: str

    def by_id(self, number) -> dict:
        [answer] = [answer for answer in self.answers if answer.get("id") == number]
        return answer

    def refusals(self) -> list[int]:
        """The codes of the errors that answer to no request."""
        return [answer["error"]["code"] for answer in self.answers if "id" not in answer]


def run(*parts: bytes, arguments: tuple[str, ...] = ()) -> Ran:
    """Write it all at once, close, and wait for the clean end."""
    ran = subprocess.run(
        [PROGRAM, "serve", *arguments],
        input=b"".join(parts),
        capture_output=True,
        env=environment(),
        timeout=120,
    )
    log = ran.stderr.decode()
    assert ran.returncode == 0, log
    assert "panicked" not in log
    answers = [json.loads(text) for text in ran.stdout.decode().splitlines()]
    # Nothing but answers is on standard output.
    for answer in (one for answer in answers for one in (answer if isinstance(answer, list) else [answer])):
        assert answer["jsonrpc"] == "2.0" and ("result" in answer) != ("error" in answer), answer
    ended = re.search(r"episode ended: (\d+) calls.* state ([0-9a-f]{64})", log)
    assert ended, log
    return Ran(answers, int(ended[1]), ended[2])


UNTOUCHED = run().state


def test_nothing_at_all_ends_cleanly():
    ran = run()
    assert (ran.answers, ran.calls) == ([], 0)


UNREADABLE = {
    "no JSON": b"nonsense\n",
    "bad UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}\n',
    "bad UTF-8 in an argument": call(1, "add_incident_update", NOTE | {"note": "?"}).replace(b"?", b"\xc3\x28"),
    "half a surrogate": call(1, "add_incident_update", NOTE | {"note": "?"}).replace(b"?", b"\\ud800"),
    "a null byte": b"\0\n",
    "nested 100000 deep": b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "an argument nested 100000 deep": call(1, "add_incident_update", NOTE | {"note": None}).replace(
        b"null", b"[" * 100_000 + b"]" * 100_000
    ),
    "nested 100000 deep and never closed": b'{"a":' * 100_000 + b"\n",
    "a number beyond all bounds": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e999}}\n',
    "two messages on a line": ping(1).strip() + ping(2),
}

#: What is JSON and no message, with the id that can be read and the code of the refusal.
NO_MESSAGE = {
    "a line of 5 MB": (call(1, "add_incident_update", NOTE | {"note": "x" * 5_000_000}), None, INVALID_REQUEST),
    "a batch": (line([json.loads(ping(1)), json.loads(call(2, "log_metric", METRIC))]), None, INVALID_REQUEST),
    "an empty batch": (b"[]\n", None, INVALID_REQUEST),
    "an empty object": (b"{}\n", None, INVALID_REQUEST),
    "a number": (b"12\n", None, INVALID_REQUEST),
    "null": (b"null\n", None, INVALID_REQUEST),
    "another protocol": (line({"jsonrpc": "1.0", "id": 1, "method": "ping"}), 1, INVALID_REQUEST),
    "no protocol": (line({"id": 1, "method": "ping"}), 1, INVALID_REQUEST),
    "no method": (line({"jsonrpc": "2.0", "id": "a"}), "a", INVALID_REQUEST),
    "an id that is an object": (line({"jsonrpc": "2.0", "id": {}, "method": "ping"}), None, INVALID_REQUEST),
    "an id that is null": (line({"jsonrpc": "2.0", "id": None, "method": "ping"}), None, INVALID_REQUEST),
    "an id with a fraction": (line({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}), 1.5, INVALID_REQUEST),
    "an id of 65 bits": (line({"jsonrpc": "2.0", "id": 2**64 + 1, "method": "ping"}), None, INVALID_REQUEST),
    "two ids": (ping(1).replace(b'"id": 1', b'"id": 2, "id": 1'), 1, INVALID_REQUEST),
    "a method that is a number": (line({"jsonrpc": "2.0", "id": 1, "method": 7}), 1, INVALID_REQUEST),
    "an argument twice": (
        call(1, "log_metric", METRIC | {"twice": 1}).replace(b'"twice": 1', b'"x": 1, "x": 2'),
        1,
        INVALID_PARAMS,
    ),
    "a tool twice": (call(1, "log_metric", METRIC).replace(b'"name"', b'"name": "find_users", "name"'), 1, INVALID_PARAMS),
    "parameters that are a list": (request(1, "tools/call", ["log_metric"]), 1, INVALID_PARAMS),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_json_is_refused_and_the_server_goes_on(name):
    ran = run(HANDSHAKE, UNREADABLE[name], ping("after"), call("good", "log_metric", METRIC))
    assert ran.refusals() == [PARSE_ERROR]
    assert ran.by_id("after")["result"] == {}
    assert ran.by_id("good")["result"]["structuredContent"]["metric_id"] == "28"
    # The handshake, the refusal, and the two good ones; the call is the only one made.
    assert (len(ran.answers), ran.calls) == (4, 1)


@pytest.mark.parametrize("name", NO_MESSAGE)
def test_what_is_no_message_is_refused_under_its_id_and_the_server_goes_on(name):
    text, number, code = NO_MESSAGE[name]
    ran = run(HANDSHAKE, text, ping("after"), call("good", "log_metric", METRIC))
    [refusal] = [answer for answer in ran.answers if "error" in answer]
    assert (refusal.get("id"), refusal["error"]["code"]) == (number, code)
    assert ran.by_id("after")["result"] == {}
    assert (len(ran.answers), ran.calls) == (4, 1)


def test_there_is_an_answer_at_every_depth():
    depths = range(90, 140)
    calls = [
        call(depth, "add_incident_update", NOTE | {"note": None}).replace(b"null", b"[" * depth + b"]" * depth)
        for depth in depths
    ]
    ran = run(HANDSHAKE, *calls, ping("after"))
    halted = [answer["id"] for answer in ran.answers if answer.get("result", {}).get("isError")]
    assert len(halted) + len(ran.refusals()) == len(depths)
    assert halted == list(depths)[: len(halted)], "from one depth on, all are refused"
    assert ran.by_id("after")["result"] == {}
    assert ran.state == UNTOUCHED


@pytest.mark.parametrize("name", ["no JSON", "nested 100000 deep"])
def test_nor_does_it_keep_a_session_from_beginning(name):
    ran = run(UNREADABLE[name], HANDSHAKE, ping("after"))
    assert ran.refusals() == [PARSE_ERROR]
    assert ran.by_id(0)["result"]["protocolVersion"] == "2025-11-25"
    assert ran.by_id("after")["result"] == {}


def test_a_long_line_below_the_limit_is_answered():
    ran = run(HANDSHAKE, call(1, "add_incident_update", NOTE | {"note": "x" * 3_000_000}), ping(2))
    halt = ran.by_id(1)["result"]["structuredContent"]
    assert halt["code"] == "INVALID_INPUT"
    assert len(json.dumps(halt)) < 2_000, "a long value is not sent back"
    assert ran.by_id(2)["result"] == {}
    assert ran.state == UNTOUCHED


def test_blank_lines_and_other_line_ends_are_no_matter():
    ran = run(HANDSHAKE, b"\n\r\n  \n", ping(1).replace(b"\n", b"\r\n"))
    assert (ran.refusals(), ran.by_id(1)["result"]) == ([], {})


@pytest.mark.parametrize("end", [b'{"jsonrpc":"2.0","id":2,"meth', b"nonsense", b"[" * 100_000, b"\xff"])
def test_half_a_line_at_the_end_is_dropped(end):
    ran = run(HANDSHAKE, ping(1), end)
    assert [answer["id"] for answer in ran.answers] == [0, 1]
    assert ran.state == UNTOUCHED


def test_half_a_call_at_the_end_is_not_made():
    ran = run(HANDSHAKE, ping(1), call(2, "log_metric", METRIC)[:-20])
    assert ([answer["id"] for answer in ran.answers], ran.calls, ran.state) == ([0, 1], 0, UNTOUCHED)


def test_a_whole_message_at_the_end_needs_no_line_end():
    ran = run(HANDSHAKE, call(1, "log_metric", METRIC).strip())
    assert ran.by_id(1)["result"]["structuredContent"]["metric_id"] == "28"


MALFORMED = [
    ("tools/call", None),
    ("tools/call", {}),
    ("tools/call", {"name": 5}),
    ("tools/call", {"name": None, "arguments": {}}),
    ("tools/call", {"name": "log_metric", "arguments": []}),
    ("tools/call", {"name": "log_metric", "arguments": "text"}),
    ("resources/read", {}),
    ("resources/read", {"uri": 1}),
    ("prompts/get", {"name": ["log_metric"]}),
    ("prompts/get", {"name": "log_metric", "arguments": 3}),
    ("completion/complete", {"ref": {}, "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "log_metric"}, "argument": "x"}),
    ("initialize", {}),
]


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_malformed_parameters_are_invalid_params(era):
    modern = era == "2026-07-28"
    meta = {"_meta": META} if modern else {}
    cases = [(method, params) for method, params in MALFORMED if not (modern and not isinstance(params, dict))]
    lines = [
        request(number, method, params | meta if isinstance(params, dict) else params)
        for number, (method, params) in enumerate(cases, 1)
    ]
    start = request(0, "server/discover", meta) if modern else HANDSHAKE
    ran = run(start, *lines, call("good", "log_metric", METRIC, **meta))
    for number, case in enumerate(cases, 1):
        # The newer revision has no handshake at all.
        expected = METHOD_NOT_FOUND if modern and case[0] == "initialize" else INVALID_PARAMS
        assert ran.by_id(number).get("error", {}).get("code") == expected, (case, ran.by_id(number))
    assert ran.by_id("good")["result"]["isError"] is False
    assert ran.calls == 1


def test_an_unknown_method_is_told():
    ran = run(HANDSHAKE, request(1, "nonsense"), request(2, "tools/burn", {"name": "x"}), ping(3))
    assert [ran.by_id(number)["error"]["code"] for number in (1, 2)] == [METHOD_NOT_FOUND] * 2
    assert ran.by_id(3)["result"] == {}


def test_a_call_before_the_handshake_is_refused():
    ran = run(
        call(1, "log_metric", METRIC),
        request(2, "tools/list"),
        request(3, "resources/read", {"uri": "policy://all"}),
        HANDSHAKE,
        ping(4),
    )
    assert [ran.by_id(number)["error"]["code"] for number in (1, 2, 3)] == [INVALID_PARAMS] * 3
    assert ran.by_id(0)["result"]["serverInfo"]["name"] == "incident-mcp"
    assert ran.by_id(4)["result"] == {}
    assert (ran.calls, ran.state) == (0, UNTOUCHED)


@pytest.mark.parametrize("asked", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_older_revisions_are_spoken(asked):
    ran = run(INITIALIZE.replace(b"2025-11-25", asked.encode()), call(1, "log_metric", METRIC))
    assert ran.by_id(0)["result"]["protocolVersion"] == asked
    assert ran.by_id(1)["result"]["structuredContent"]["metric_id"] == "28"


def test_a_revision_that_is_not_known_gets_one_that_is():
    ran = run(INITIALIZE.replace(b"2025-11-25", b"1999-01-01"), ping(1))
    assert ran.by_id(0)["result"]["protocolVersion"] in ("2025-11-25", "2026-07-28")
    assert ran.by_id(1)["result"] == {}


def test_pipelined_writes_run_and_are_answered_in_order():
    count = 3000
    notes = [call(number, "add_incident_update", NOTE | {"note": f"note {number}"}) for number in range(1, count + 1)]
    ran = run(HANDSHAKE, *notes)
    assert [answer["id"] for answer in ran.answers] == list(range(count + 1))
    ids = [int(answer["result"]["structuredContent"]["update_id"]) for answer in ran.answers[1:]]
    assert ids == list(range(ids[0], ids[0] + count))
    assert ran.calls == count


def test_every_call_is_answered_though_input_ends_and_answers_wait_to_be_read():
    """Far more than fit in the pipes: the server reads on when it has answered, and forgets nothing at the end."""
    count = 20_000
    lookup = call("?", "find_users", {"user_id": MANAGER, "acting_user": MANAGER})
    text = HANDSHAKE + b"".join(lookup.replace(b'"?"', b"%d" % number) for number in range(1, count + 1))
    ran = run(text)
    assert [answer["id"] for answer in ran.answers] == list(range(count + 1))
    assert ran.calls == count


def test_requests_under_one_id_are_answered_one_after_the_other():
    ran = run(HANDSHAKE, *[call(1, "add_incident_update", NOTE)] * 5, ping(1))
    assert [answer["id"] for answer in ran.answers] == [0] + [1] * 6
    ids = [int(answer["result"]["structuredContent"]["update_id"]) for answer in ran.answers[1:-1]]
    assert ids == list(range(ids[0], ids[0] + 5))


@pytest.mark.parametrize(
    "first",
    [
        notification("notifications/initialized"),
        notification("notifications/cancelled", {"requestId": 1}),
        notification("notifications/anything", {"x": 1}),
        line({"jsonrpc": "2.0", "id": 9, "result": {}}),
        line({"jsonrpc": "2.0", "id": 9, "error": {"code": 1, "message": "x"}}),
        line({"jsonrpc": "2.0", "error": {"code": 1, "message": "x"}}),
    ],
)
def test_what_asks_for_no_answer_may_come_before_the_handshake(first):
    ran = run(first, first, HANDSHAKE, ping(1))
    assert [answer["id"] for answer in ran.answers] == [0, 1]


def test_an_initialize_that_lacks_something_is_told_what_and_another_may_follow():
    params = {"protocolVersion": "2025-06-18", "capabilities": {}}
    ran = run(request(7, "initialize", params), notification("notifications/initialized"), HANDSHAKE, ping(1))
    refusal = ran.by_id(7)["error"]
    assert refusal["code"] == INVALID_PARAMS and "clientInfo" in refusal["message"]
    assert [answer["id"] for answer in ran.answers] == [7, 0, 1]


def test_a_cursor_that_was_never_given_is_refused():
    methods = ["tools/list", "resources/list", "resources/templates/list", "prompts/list"]
    ran = run(HANDSHAKE, *(request(method, method, {"cursor": "x"}) for method in methods))
    assert [ran.by_id(method)["error"]["code"] for method in methods] == [INVALID_PARAMS] * len(methods)


# Batches, which one revision has.


def test_a_batch_is_answered_as_one_where_its_revision_was_agreed_on():
    begin = INITIALIZE.replace(b"2025-11-25", b"2025-03-26")
    calls = [json.loads(call(number, "add_incident_update", NOTE)) for number in (1, 2)]
    told = json.loads(notification("notifications/anything"))
    broken = {"jsonrpc": "2.0", "id": 3}
    first, second, third = run(begin, line([calls[0], told, broken, calls[1]]), line([told]), ping(4)).answers
    assert (first["id"], third["id"]) == (0, 4)
    assert sorted(answer["id"] for answer in second) == [1, 2, 3]
    [refusal] = [answer for answer in second if "error" in answer]
    assert (refusal["id"], refusal["error"]["code"]) == (3, INVALID_REQUEST)


def test_a_batch_at_the_end_of_input_needs_no_line_end():
    begin = INITIALIZE.replace(b"2025-11-25", b"2024-11-05")
    [_, answers] = run(begin, line([json.loads(ping(1)), json.loads(ping(2))]).strip()).answers
    assert sorted(answer["id"] for answer in answers) == [1, 2]
    # What is whole and no message is told so, too.
    [_, refusal] = run(HANDSHAKE, b'{"jsonrpc": "2.0", "id": 5}').answers
    assert (refusal["id"], refusal["error"]["code"]) == (5, INVALID_REQUEST)


def test_a_batch_has_a_limit():
    begin = INITIALIZE.replace(b"2025-11-25", b"2025-03-26")
    assert run(begin, b"[" + b",".join([b"0"] * 1_000_000) + b"]\n").refusals() == [INVALID_REQUEST]


def test_an_element_that_says_two_things_is_refused():
    begin = INITIALIZE.replace(b"2025-11-25", b"2025-03-26")
    twice = call(1, "log_metric", METRIC | {"twice": 1}).replace(b'"twice": 1', b'"x": 1, "x": 2').strip()
    ran = run(begin, b"[" + twice + b"," + ping(2).strip() + b"]\n")
    [refusal] = [answer for answer in ran.answers[1] if "error" in answer]
    assert (refusal["id"], refusal["error"]["code"], ran.calls) == (1, INVALID_PARAMS, 0)


def test_a_batch_does_not_wait_for_what_is_cancelled():
    begin = INITIALIZE.replace(b"2025-11-25", b"2025-03-26")
    batch = [json.loads(ping(1)), json.loads(call(2, "add_incident_update", NOTE))]
    cancel = json.loads(notification("notifications/cancelled", {"requestId": 2}))
    ran = run(begin, line([*batch, cancel]), ping(3))
    [answers] = [answer for answer in ran.answers if isinstance(answer, list)]
    assert [answer["id"] for answer in answers] in ([1], [1, 2])
    assert {"jsonrpc": "2.0", "id": 3, "result": {}} in ran.answers


def test_the_same_input_gives_the_same_output():
    lines = [HANDSHAKE]
    for number in range(1, 40):
        lines.append(call(number, "log_metric", [METRIC, HALTING, {}][number % 3]))
        lines.append(request(f"list {number}", "tools/list"))
    first, second = run(*lines), run(*lines)
    assert (first.answers, first.state) == (second.answers, second.state)


def test_cancelling_what_is_not_there_is_no_matter():
    ran = run(
        HANDSHAKE,
        notification("notifications/cancelled", {"requestId": 99}),
        notification("notifications/cancelled", {"requestId": "none", "reason": "changed my mind"}),
        ping(1),
        notification("notifications/cancelled", {}),
        notification("notifications/cancelled"),
        notification("notifications/unheard-of", {"x": 1}),
        line({"jsonrpc": "2.0", "id": 77, "result": {}}),
        line({"jsonrpc": "2.0", "id": 78, "error": {"code": 1, "message": "x"}}),
        ping(2),
    )
    assert [answer.get("id") for answer in ran.answers] == [0, 1, 2]
    assert ran.state == UNTOUCHED


def test_a_call_that_is_cancelled_at_once_leaves_nothing():
    ran = run(
        HANDSHAKE,
        call(1, "log_metric", METRIC),
        notification("notifications/cancelled", {"requestId": 1}),
        call(2, "log_metric", METRIC),
    )
    # A cancelled request has no answer. Which of the two lines wins is a race that this test does not decide: the first
    # call is made and answered, or neither.
    answered = [answer["id"] for answer in ran.answers]
    assert answered in ([0, 2], [0, 1, 2])
    assert ran.calls == len(answered) - 1


def test_a_client_that_stays_gets_each_answer_before_it_asks_again():
    server = subprocess.Popen(
        [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    try:

        def ask(message: bytes) -> dict:
            server.stdin.write(message)
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        assert ask(INITIALIZE)["result"]["protocolVersion"] == "2025-11-25"
        server.stdin.write(notification("notifications/initialized"))
        for number in range(1, 50):
            answer = ask(call(number, "add_incident_update", NOTE))
            assert answer["id"] == number and answer["result"]["isError"] is False
            assert "id" not in ask(b"nonsense\n")
        server.stdin.close()
        assert server.stdout.read() == b""
        assert server.wait(timeout=10) == 0
    finally:
        server.kill()
        server.wait()


def test_a_client_that_stops_reading_does_not_hold_it():
    """Its end closed, the server ends as well, and has made every call that it was sent or none after the break."""
    server = subprocess.Popen(
        [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    try:
        server.stdout.close()
        try:
            server.stdin.write(HANDSHAKE + b"".join(request(number, "tools/list") for number in range(20)))
            server.stdin.close()
        except BrokenPipeError:
            pass
        assert server.wait(timeout=20) is not None
    finally:
        server.kill()
        server.wait()


# The revision without a handshake: every request says what it speaks.


def test_discover_tells_what_is_spoken():
    result = run(request(1, "server/discover", {"_meta": META})).by_id(1)["result"]
    assert result["resultType"] == "complete"
    assert {"2025-11-25", "2026-07-28"} <= set(result["supportedVersions"])
    assert set(result["capabilities"]) == {"tools", "resources", "prompts", "completions", "extensions"}
    assert result["instructions"].startswith("Incident management")
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "incident-mcp"
    assert "ttlMs" in result and "cacheScope" in result


def test_no_discovery_is_needed():
    ran = run(call(1, "log_metric", METRIC, _meta=META), call(2, "log_metric", HALTING, _meta=META))
    good, halt = ran.by_id(1)["result"], ran.by_id(2)["result"]
    assert good["resultType"] == halt["resultType"] == "complete"
    assert good["structuredContent"]["metric_id"] == "28"
    assert halt["isError"] is True and halt["structuredContent"]["code"] == "INCIDENT_NOT_CLOSED"


def test_lists_and_contents_say_how_long_they_hold():
    asked = [
        ("tools/list", {}, (3_600_000, "public")),
        ("resources/list", {}, (3_600_000, "public")),
        ("resources/templates/list", {}, (3_600_000, "public")),
        ("prompts/list", {}, (3_600_000, "public")),
        ("resources/read", {"uri": "policy://all"}, (3_600_000, "public")),
        ("resources/read", {"uri": "record://incidents/16"}, (0, "private")),
    ]
    ran = run(*(request(number, method, params | {"_meta": META}) for number, (method, params, _) in enumerate(asked)))
    for number, (method, _, expected) in enumerate(asked):
        result = ran.by_id(number)["result"]
        assert (result["ttlMs"], result["cacheScope"]) == expected, method


def test_a_request_that_does_not_say_what_it_speaks_is_refused():
    without = {name: value for name, value in META.items() if "protocolVersion" not in name}
    other = META | {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    ran = run(
        request(1, "server/discover", {"_meta": META}),
        call(2, "log_metric", METRIC),
        call(3, "log_metric", METRIC, _meta=without),
        call(4, "log_metric", METRIC, _meta=other),
        request(5, "resources/read", {"_meta": META, "uri": "policy://other"}),
        call(6, "log_metrics", METRIC, _meta=META),
        # What this revision does not have any more.
        request(7, "ping", {"_meta": META}),
    )
    codes = [ran.by_id(number)["error"]["code"] for number in range(2, 8)]
    assert codes == [INVALID_PARAMS, INVALID_PARAMS, UNSUPPORTED_VERSION, INVALID_PARAMS, INVALID_PARAMS, METHOD_NOT_FOUND]
    assert "2026-07-28" in ran.by_id(4)["error"]["data"]["supported"]
    assert (ran.calls, ran.state) == (0, UNTOUCHED)


def test_pipelined_writes_run_in_order_in_this_era_too():
    ran = run(*(call(number, "add_incident_update", NOTE, _meta=META) for number in range(500)))
    assert [answer["id"] for answer in ran.answers] == list(range(500))
    ids = [int(answer["result"]["structuredContent"]["update_id"]) for answer in ran.answers]
    assert ids == list(range(ids[0], ids[0] + 500))
