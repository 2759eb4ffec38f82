"""A session that the program records, and what its client was told: to be compared with what replaying it gives."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from program import HALTING, LOOKUP, METRIC, NOTE, PROGRAM, WRONG

#: How a client can reach an episode.
WAYS = ["stdio", "2025-11-25", "2026-07-28", "sse"]

AUDIT = {"action": "create", "entity_type": "performance_metric", "entity_id": "28", "acting_user": METRIC["recorded_by_user"]}

#: The calls, each with the key under which it is made and then repeated.
SESSION = [
    ("find_incidents", LOOKUP, None),
    ("log_metric", HALTING, "halted"),
    ("log_metric", METRIC, "once"),
    ("log_audit", AUDIT, None),
    ("log_metric", WRONG, None),
    ("add_incident_update", NOTE, None),
]


@dataclass
class Recording:
    """A recorded session."""

    file: Path
    #: The text of each answer but those of repeated calls, as the client got it.
    answers: list[str]
    #: The hash of the state that it ended with.
    hash: str


async def record_session(way: str, folder: Path, serve) -> Recording:
    """Have a session over that way recorded; `serve` is the fixture that starts servers."""
    journals = folder / "journals"
    if way == "stdio":
        log = folder / "stderr"
        program = StdioServerParameters(command=str(PROGRAM), args=["serve", "--journal", str(journals)])
        with log.open("w", encoding="utf-8") as lines:
            async with stdio_client(program, errlog=lines) as streams:
                answers = await played(streams, way)
        hash = re.search(r"episode ended: .* state ([0-9a-f]{64})", log.read_text(encoding="utf-8"))[1]
    else:
        server = serve("--journal", str(journals))
        transport = sse_client(f"{server.url}/sse") if way == "sse" else streamable_http_client(f"{server.url}/mcp")
        async with transport as streams:
            answers = await played(streams[:2], way)
        hash = server.control("GET", "/episodes/default/hash").json()["state"]
    return Recording(journals / "default.ndjson", answers, hash)


async def played(streams, way: str) -> list[str]:
    """Make the calls, and some that are none; gives the texts of the answers."""
    answers = []
    async with ClientSession(*streams) as client:
        await (client.discover() if way == "2026-07-28" else client.initialize())
        for tool, arguments, key in SESSION:
            meta = {"idempotencyKey": key} if key else None
            answer = await client.call_tool(tool, arguments, meta=meta)
            if key:
                assert await client.call_tool(tool, arguments, meta=meta) == answer
            answers.append(answer.content[0].text)
        with pytest.raises(MCPError):
            await client.call_tool("log_metrics", METRIC)
    return answers
