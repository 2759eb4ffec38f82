"""The evaluator's bench: what was recorded replays to the byte, and what the documents say is so."""

import json
import re
import subprocess
import sys

import pytest

from program import PROGRAM, ROOT
from recording import WAYS, record_session


def evaluate(*arguments: str) -> tuple[int, dict]:
    """Run a command; gives its exit code and its report."""
    ran = subprocess.run([PROGRAM, *arguments, "--json", "-"], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode in (0, 3), ran.stderr
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_a_recorded_session_replays_to_the_byte(way, tmp_path, serve):
    recording = await record_session(way, tmp_path, serve)
    code, report = evaluate("replay", str(recording.file), "--answers", "exact")
    replay = report["traces"][0]["replay"]
    assert code == 0
    assert (replay["comparison"], replay["hash"]) == ("exact", recording.hash)
    answers = [json.dumps(call["answer"], ensure_ascii=False, separators=(",", ":")) for call in replay["calls"]]
    assert answers == recording.answers


def test_the_examples_are_graded_as_the_readme_says():
    code, report = evaluate("grade", "examples/grading/trials.json", "--against", "examples/grading/tasks.json")
    passed = [trace["verdict"]["pass"] for trace in report["traces"]]
    assert (code, passed) == (3, [True, True, False, True, False, False])
    assert report["pass_hat"] == pytest.approx([1 / 2, 1 / 6, 0])
    assert evaluate("lint", "examples/grading/tasks.json")[0] == 0


def test_the_hash_can_be_worked_out_from_what_its_document_says():
    document = (ROOT / "docs" / "state-hash.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", document, re.DOTALL)[1]
    dump = subprocess.run([PROGRAM, "state", "dump"], capture_output=True, check=True)
    found = subprocess.run([sys.executable, "-c", script], input=dump.stdout, capture_output=True, check=True)
    said = subprocess.run([PROGRAM, "state", "hash"], capture_output=True, check=True)
    assert found.stdout.split()[0] == said.stdout.split()[0]
