"""Episodes made, watched and ended over the control plane and its command line, while agents use them over HTTP."""

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import HALTING, METRIC, NOTE, PROGRAM, environment
from server import PATIENCE, message, plain, session

TOKEN = "an-evaluator-s-token-0001"


@pytest.fixture
def episode(shared):
    """The command line, as JSON: what one of its verbs printed."""

    def run(verb: str, *arguments: str, json_answer: bool = True):
        command = [PROGRAM, "episode", verb, *arguments, "--control", shared.control_url]
        ran = subprocess.run(
            [*command, "--json"] if json_answer else command,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=PATIENCE,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout or "null") if json_answer else ran.stdout

    return run


def test_an_episode_from_its_beginning_to_its_end(shared, episode):
    made = episode("create", "--policy", "problem-to-review", "--actor", "6", "--mode", "enforce")
    name = made["id"]
    address = made["mcp"]
    assert made["mcp_url"] == f"{shared.url}{address}" == f"{shared.url}/e/{name}/mcp"
    assert name in [listed["id"] for listed in episode("list")["episodes"]]
    fresh = episode("hash", name)
    assert episode("diff", name)["differences"] == []

    metric = {argument: value for argument, value in METRIC.items() if argument != "recorded_by_user"}
    assert shared.call("log_metric", metric, address)["metric_id"] == "28"
    assert shared.call("log_metric", metric | {"incident_id": "27"}, address)["code"] == "INCIDENT_NOT_CLOSED"
    written = episode("hash", name)
    assert written["state"] != fresh["state"]
    changed = {table for table in written["tables"] if written["tables"][table] != fresh["tables"].get(table)}
    assert changed == {"performance_metrics"}
    differences = episode("diff", name)["differences"]
    assert {(cell["table"], cell["key"], cell["before"]) for cell in differences} == {("performance_metrics", "28", None)}
    assert [entry["outcome"] for entry in episode("journal", name)["calls"]] == ["ok", "INCIDENT_NOT_CLOSED"]

    # A fork goes its own way, and a checkpoint is where the first comes back to.
    fork = episode("fork", name)
    episode("checkpoint", name, "before")
    other = metric | {"metric_type": "response_time"}
    assert shared.call("log_metric", other, fork["mcp"])["metric_id"] == "29"
    assert shared.call("log_metric", other, address)["metric_id"] == "29"
    assert episode("hash", name)["state"] == episode("hash", fork["id"])["state"]
    episode("restore", name, "before")
    assert episode("hash", name) == written
    episode("reset", name)
    assert episode("hash", name) == fresh

    closed = episode("close", fork["id"])
    assert (closed["calls"], len(closed["unpaid"])) == (3, 2)
    assert shared.post(message("log_metric", metric), fork["mcp"]).status == 410


def test_people_read_lines_and_programs_json(shared, episode):
    name = shared.create()
    shared.call("log_metric", HALTING, f"/e/{name}/mcp")
    assert episode("hash", name, json_answer=False).split()[0] == episode("hash", name)["state"]
    [line] = episode("journal", name, json_answer=False).splitlines()
    assert json.loads(line)["rule"] == "metric.incident-closed"
    assert episode("diff", name, json_answer=False) == ""


def test_a_refusal_says_what_to_do(shared):
    ran = subprocess.run(
        [PROGRAM, "episode", "show", "none", "--control", shared.control_url],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
    )
    assert ran.returncode == 1 and ran.stdout == ""
    assert 'no episode "none"' in ran.stderr


def test_a_reset_does_not_end_an_agent_s_session(shared):
    name = shared.create()
    headers = session(shared, f"/e/{name}/mcp")
    for _ in range(2):
        answer = shared.ask("POST", f"/e/{name}/mcp", plain("add_incident_update", NOTE), headers)
        assert answer.events()[-1]["result"]["structuredContent"]["update_id"] == "116"
        assert shared.control("POST", f"/episodes/{name}/reset").status in (200, 204)


def test_there_are_only_so_many_episodes(serve):
    server = serve("--max-episodes", "2")
    first, _ = server.create(), server.create()
    refused = server.control("POST", "/episodes", {})
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["remedy"]
    assert server.control("DELETE", f"/episodes/{first}").status == 200
    server.create()


def test_an_episode_that_nobody_calls_expires(serve):
    server = serve()
    name = server.create(ttl_seconds=1)
    assert name in server.log_line(r".*episode expired.*")[0]
    answer = server.post(message("add_incident_update", NOTE), f"/e/{name}/mcp")
    assert answer.status == 410


def test_what_was_answered_outlives_a_kill(serve, tmp_path):
    state = ("--state", str(tmp_path / "episodes"))
    server = serve(*state)
    name = server.create(policy="problem-to-review", actor="6")
    path = f"/e/{name}/mcp"
    body = message("log_metric", {argument: METRIC[argument] for argument in METRIC if argument != "recorded_by_user"})
    body["params"]["_meta"]["idempotencyKey"] = "once"
    first = server.post(body, path).json()["result"]
    before = server.control("GET", f"/episodes/{name}/hash").json()
    journal = server.journal(name)
    server.kill()

    server = serve(*state)
    assert server.control("GET", f"/episodes/{name}/hash").json() == before
    assert server.journal(name) == journal
    # Whoever did not hear the answer asks again.
    assert server.post(body, path).json()["result"] == first
    assert server.journal(name) == journal
    server.terminate()
    assert server.ended() == 0


def test_a_directory_serves_one_server(serve, tmp_path):
    serve("--state", str(tmp_path))
    second = subprocess.run(
        [PROGRAM, "serve", "--http", "127.0.0.1:0", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
    )
    assert second.returncode == 1 and str(tmp_path) in second.stderr


@pytest.mark.parametrize("address", ["0.0.0.0:0"])
def test_a_control_plane_beyond_loopback_needs_a_token(address):
    for options in (("--http", address, "--control", "127.0.0.1:0"), ("--http", "127.0.0.1:0", "--control", address)):
        ran = subprocess.run(
            [PROGRAM, "serve", *options], capture_output=True, text=True, env=environment(), timeout=PATIENCE
        )
        assert ran.returncode == 1 and "--control-token-file" in ran.stderr


def test_the_metrics_count_calls_and_halts(serve):
    server = serve(env={"INCIDENT_MCP_CONTROL_TOKEN": TOKEN})

    def metrics() -> str:
        answer = server.ask("GET", "/metrics", None, {"Authorization": f"Bearer {TOKEN}"}, server.control_port)
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        return answer.body.decode()

    for arguments in (METRIC, HALTING, HALTING):
        server.call("log_metric", arguments)
    text = metrics()
    assert 'incident_mcp_calls_total{policy="all",tool="log_metric",outcome="ok"} 1\n' in text
    assert 'incident_mcp_calls_total{policy="all",tool="log_metric",outcome="halt"} 2\n' in text
    assert 'incident_mcp_halts_total{policy="all",rule="metric.incident-closed"} 2\n' in text
    assert "incident_mcp_call_seconds_count 3\n" in text
    assert "incident_mcp_live_episodes 1\n" in text
    assert text.endswith("# EOF\n")


def test_calls_that_meet_the_end_of_their_episode_are_answered(shared):
    """Each is done and answered, or is told that the episode has ended; what was done is what the summary counts."""
    for _ in range(10):
        name = shared.create()
        call = message("add_incident_update", NOTE)
        with ThreadPoolExecutor(8) as clients:
            begun = threading.Event()

            def work(_):
                answers = []
                while not answers or answers[-1].status == 200:
                    answers.append(shared.post(call, f"/e/{name}/mcp"))
                    begun.set()
                return answers

            running = [clients.submit(work, client) for client in range(8)]
            assert begun.wait(PATIENCE)
            closed = shared.control("DELETE", f"/episodes/{name}").json()
            answers = [answer for client in running for answer in client.result(PATIENCE)]
        assert {answer.status for answer in answers} == {200, 410}
        done = [answer for answer in answers if "result" in answer.json()]
        assert len(done) == closed["calls"]
