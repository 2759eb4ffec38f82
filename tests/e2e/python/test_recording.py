"""Recording: the file of a session says what its client was told."""

import json

import pytest

from recording import SESSION, WAYS, record_session


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_what_was_answered_is_recorded(way, tmp_path, serve):
    recording = await record_session(way, tmp_path, serve)
    header, *lines = recording.file.read_text(encoding="utf-8").splitlines()
    header = json.loads(header)
    assert header["format"] == "incident-mcp/journal/1"
    assert (header["name"], header["policy"], header["mode"], header["audit"]) == ("default", "all", "enforce", "explicit")
    assert len(lines) == len(recording.answers) == len(SESSION)
    for line, answer, (tool, arguments, key) in zip(lines, recording.answers, SESSION):
        # Byte for byte, and not only as JSON.
        assert f'"answer":{answer},"outcome":' in line
        call = json.loads(line)
        assert (call["tool"], call["arguments"], call.get("key")) == (tool, arguments, key)
    assert [json.loads(line)["call"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.anyio
async def test_all_episodes_of_a_server_are_recorded(tmp_path, serve):
    server = serve("--journal", str(tmp_path))
    names = [server.create(actor="6"), server.create(id="named", mode="observe")]
    for name in names:
        for _ in range(2):
            server.call("find_users", {"acting_user": "6"}, f"/e/{name}/mcp")
    found = {file.name: file.read_text(encoding="utf-8").splitlines() for file in tmp_path.iterdir()}
    assert sorted(found) == sorted(f"{name}.ndjson" for name in names)
    assert all(len(lines) == 3 for lines in found.values())
    assert json.loads(found["named.ndjson"][0])["mode"] == "observe"
    assert json.loads(found[f"{names[0]}.ndjson"][0])["actor"] == "6"
