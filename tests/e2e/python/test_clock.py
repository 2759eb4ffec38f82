"""A clock that its evaluator moves, an episode that is cut in two, and a list of tools for one role: over the control plane."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import NOTE, PROGRAM, environment
from server import PATIENCE, message, session

START = "2025-09-25T12:00:00"


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, env=environment(), timeout=PATIENCE
    )


@pytest.fixture
def verb(shared):
    """A verb of the command line: what it printed."""

    def done(*arguments: str, code: int = 0) -> str:
        ran = run("episode", *arguments, "--control", shared.control_url)
        assert ran.returncode == code, ran.stderr
        return ran.stdout if code == 0 else ran.stderr

    return done


def address(name: str) -> str:
    return f"/e/{name}/mcp"


def stepped(shared, **settings) -> str:
    return shared.create(policy="all", actor="6", clock=START, clock_kind="stepped", **settings)


def note(text: str) -> dict:
    return {"incident_id": "27", "note": text}


def test_an_evaluator_moves_the_clock_and_agents_see_it(shared, verb):
    name = stepped(shared)
    assert shared.call("add_incident_update", note("One."), address(name))["now"] == START
    assert verb("advance", name, "PT2H").strip() == "2025-09-25T14:00:00"
    assert shared.control("POST", f"/episodes/{name}/advance", {"by": "PT30M"}).json() == {"now": "2025-09-25T14:30:00"}
    halt = shared.call("log_metric", {"incident_id": "27"}, address(name))
    assert (halt["code"], halt["now"]) == ("INVALID_INPUT", "2025-09-25T14:30:00")
    read = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "episode://clock"}}
    [answer] = shared.ask("POST", address(name), read, session(shared, address(name))).events()
    contents = answer["result"]["contents"]
    assert json.loads(contents[0]["text"]) == {"now": "2025-09-25T14:30:00"}
    shown = shared.control("GET", f"/episodes/{name}").json()
    assert (shown["clock"], shown["clock_kind"], shown["summary"]["now"]) == (START, "stepped", "2025-09-25T14:30:00")
    page = shared.control("GET", f"/episodes/{name}/journal").json()
    assert [(move["after"], move["by"]) for move in page["advances"]] == [(1, "PT2H"), (1, "PT30M")]
    assert [call["now"] for call in page["calls"]] == [START, "2025-09-25T14:30:00"]
    lines = [json.loads(line) for line in verb("journal", name).splitlines()]
    assert [line.get("advance") or line["call"] for line in lines] == [1, "PT2H", "PT30M", 2]


def test_what_does_not_move_a_clock_is_refused_by_name(shared, verb):
    still, moving = shared.create(), stepped(shared)
    for name, by, status, code in [
        (still, "PT2H", 409, "CLOCK_FIXED"),
        (moving, "PT0S", 400, "INVALID_DURATION"),
        (moving, "-PT2H", 400, "INVALID_DURATION"),
        (moving, "2 hours", 400, "INVALID_DURATION"),
        (moving, "P8000Y", 400, "INVALID_DURATION"),
        ("nobody", "PT2H", 404, "EPISODE_NOT_FOUND"),
    ]:
        answer = shared.control("POST", f"/episodes/{name}/advance", {"by": by})
        assert (answer.status, answer.json()["error"]["code"]) == (status, code), by
    for body in [{}, {"by": 2}, {"by": "PT2H", "to": START}]:
        assert shared.control("POST", f"/episodes/{moving}/advance", body).json()["error"]["code"] == "INVALID_BODY"
    assert "ISO 8601" in verb("advance", moving, "soon", code=1)
    # Agents have nothing that moves it.
    tools = shared.post(listing(), address(moving)).json()["result"]["tools"]
    assert not [tool["name"] for tool in tools if "advance" in tool["name"] or "clock" in tool["name"]]


def listing() -> dict:
    request = message("find_incidents", {})
    return request | {"method": "tools/list", "params": {"_meta": request["params"]["_meta"]}}


def test_calls_and_advances_at_once_are_in_one_order(shared):
    name = stepped(shared)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(shared.call, "add_incident_update", note(f"{n}."), address(name)) for n in range(12)]
        moves = [pool.submit(shared.control, "POST", f"/episodes/{name}/advance", {"by": "PT1M"}) for _ in range(4)]
        told = sorted(call.result()["now"] for call in calls)
        assert sorted(move.result().json()["now"] for move in moves) == [f"2025-09-25T12:0{n}:00" for n in (1, 2, 3, 4)]
    journal = shared.journal(name)
    assert [call["now"] for call in journal] == told, "the journal is in the order of time"


def test_an_episode_is_cut_in_two(shared, verb, tmp_path):
    name = stepped(shared)
    for text in ["One.", "Two."]:
        shared.call("add_incident_update", note(text), address(name))
    verb("advance", name, "PT2H")
    shared.call("add_incident_update", note("Three."), address(name))
    final = json.loads(verb("hash", name, "--json"))["state"]
    for cut, calls in [(None, 3), (1, 3), (2, 2), (3, 1), (4, 0)]:
        folder = tmp_path / str(cut)
        told = verb("export", name, str(folder), *([] if cut is None else ["--from", str(cut)]))
        assert final in told
        lines = [json.loads(line) for line in (folder / "trace.ndjson").read_text(encoding="utf-8").splitlines()]
        assert len([line for line in lines if "call" in line]) == calls
        loaded = run("state", "hash", "--fixtures", str(folder / "fixtures"))
        assert loaded.stdout.split()[0] == lines[0]["fixtures"]
        if cut in (None, 1):
            assert lines[0]["fixtures"] == run("state", "hash").stdout.split()[0]
        if calls == 0:
            assert lines[0]["fixtures"] == final
            continue
        fixtures = ["--fixtures", str(folder / "fixtures")]
        report = run("replay", str(folder / "trace.ndjson"), *fixtures, "--json", "-")
        assert report.returncode == 0, report.stdout + report.stderr
        [trace] = json.loads(report.stdout)["traces"]
        assert trace["replay"]["hash"] == final
        assert trace["replay"]["comparison"] in ("exact", "canonical")
    assert "is there already" in verb("export", name, str(tmp_path / "None"), code=1)
    assert "there is no call 9" in verb("export", name, str(tmp_path / "new"), "--from", "9", code=1)
    assert not (tmp_path / "new").exists()


def test_a_role_has_its_own_list(shared, verb):
    def tools(name: str) -> list[str]:
        return [tool["name"] for tool in shared.post(listing(), address(name)).json()["result"]["tools"]]

    everybody = tools(shared.create(policy="all"))
    executive = shared.create(policy="all", as_role="executive")
    assert shared.control("GET", f"/episodes/{executive}").json()["as_role"] == "executive"
    listed = tools(executive)
    assert set(listed) < set(everybody)
    assert listed == [name for name in everybody if name in listed], "in the same order"
    # Whoever acts and what was called before changes nothing.
    shared.call("add_incident_update", NOTE, address(executive))
    assert tools(executive) == listed
    fork = shared.control("POST", f"/episodes/{executive}/fork", {}).json()["id"]
    assert tools(fork) == listed
    refused = shared.control("POST", "/episodes", {"policy": "all", "as_role": "executiv"})
    assert (refused.status, refused.json()["error"]["code"]) == (400, "ROLE_NOT_FOUND")
    assert 'did you mean "executive"?' in refused.json()["error"]["message"]
    wrong = run("serve", "--policy", "all", "--as-role", "executiv")
    assert wrong.returncode == 1 and 'did you mean "executive"?' in wrong.stderr
