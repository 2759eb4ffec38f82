"""The examples, as a user runs them: from their folder, against the program under test."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from program import PROGRAM, ROOT, environment

EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

from cases import CASES, WRAP_UP  # noqa: E402
from incident_episodes import episode, gold_hash, play  # noqa: E402

#: Longest run of an example, in seconds: never reached unless one hangs.
PATIENCE = 120

#: What the README shows: a command, and all that it prints.
SHOWN = re.findall(r"^```\n\$ python (.+)\n((?:.*\n)+?)```$", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)

#: Every example, with a model that repairs its halt and with one that gives up.
COMMANDS = [
    f"{script}.py{option}"
    for script in ("openai_loop", "anthropic_loop", "inspect_task", "verifiers_env")
    for option in ("", " --gives-up")
]


def run(command: str, folder) -> subprocess.CompletedProcess:
    """Run an example, with a folder of its own for what it leaves behind."""
    script, *options = command.split()
    env = environment() | {"INCIDENT_MCP": str(PROGRAM)}
    return subprocess.run(
        [sys.executable, EXAMPLES / script, *options],
        cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, subprocess.CompletedProcess]:
    """All of them; most of each is spent importing, so they run side by side."""
    folders = [tmp_path_factory.mktemp("example") for _ in COMMANDS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(COMMANDS, pool.map(run, COMMANDS, folders), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_that_repairs_its_halt_is_equal_to_gold_and_one_that_gives_up_is_not(runs, command):
    done = runs[command]
    assert done.returncode == ("--gives-up" in command), done.stderr
    halts = {"openai": r"1 halted", "anthropic": r"1 halted", "inspect": r"1 halted", "verifiers": r"halts 1\.0"}
    assert re.search(halts[command.split("_")[0]], done.stdout), done.stdout


@pytest.mark.parametrize(("command", "printed"), SHOWN, ids=[command for command, _ in SHOWN])
def test_it_prints_what_the_readme_shows(runs, command, printed):
    assert runs[command].stdout == printed


def test_the_readme_shows_each_example():
    assert {command.split()[0] for command, _ in SHOWN} == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_transcript_has_every_call_and_its_answer(api, tmp_path):
    file = tmp_path / "transcript.jsonl"
    done = run(f"{api}_loop.py --transcript {file}", tmp_path)
    assert done.returncode == 0, done.stderr
    [line] = file.read_text("utf-8").splitlines()
    messages = json.loads(line)["messages"]
    if api == "openai":
        calls = [call["function"] for message in messages for call in message.get("tool_calls", [])]
        calls = [(call["name"], json.loads(call["arguments"])) for call in calls]
        answers = [message["content"] for message in messages if message["role"] == "tool"]
    else:
        blocks = [block for message in messages[1:] for block in message["content"]]
        calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
        answers = [block["content"] for block in blocks if block["type"] == "tool_result"]
    assert calls == [(turn.tool, turn.arguments) for turn in WRAP_UP.turns if turn.tool]
    assert [json.loads(answer).get("rule") for answer in answers].count("metric.incident-closed") == 1
    assert len(answers) == len(calls)
    # And the program answers as it did then.
    replay = [PROGRAM, "replay", file, "--actor", WRAP_UP.settings["actor"], "--answers", "exact"]
    replayed = subprocess.run(replay, capture_output=True, text=True, check=False)
    assert replayed.returncode == 0, replayed.stdout


@pytest.mark.anyio
async def test_an_episode_is_forked_compared_and_reset(shared):
    closing, *_ = WRAP_UP.gold
    async with episode(shared.control_url, **WRAP_UP.settings) as run:
        untouched = await run.hash()
        async with run.agent() as agent:
            [answer] = await play(agent, [closing])
        assert answer["owes"]["entity_id"] == "16"
        closed = await run.hash()
        async with run.fork() as copy:
            assert await copy.hash() == closed
            await run.reset()
            assert (await run.hash(), await run.diff(), await run.journal()) == (untouched, [], [])
            assert {cell["table"] for cell in await copy.diff(f"episode:{run.id}")} == {"incidents", "incident_updates"}
            assert [call["tool"] for call in await copy.journal()] == ["update_incident"]
            assert (await copy.summary())["unpaid"][0]["entity_type"] == "incident"


@pytest.mark.anyio
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_gold_that_halts_is_no_gold(shared, case):
    halting = case.turns[1]
    with pytest.raises(ValueError, match="gold halts"):
        await gold_hash(shared.control_url, [(halting.tool, halting.arguments)], **case.settings)
