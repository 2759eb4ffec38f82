"""Episodes of incident-mcp for a harness: copy this file. It needs the official MCP SDK and nothing else.

    with server() as control:
        async with episode(control, policy="all", actor="6") as run:
            async with run.agent() as agent:
                await agent.call_tool("find_incidents", {"incident_id": "16"})
            print(await run.hash(), await run.diff())

The agent is given the MCP session only. Everything else is asked at the control plane, which agents do not reach.
"""

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

Json = dict[str, Any]

#: Seconds to wait for an answer: twice what the server itself takes at most.
PATIENCE = 60

#: A tool's name and its arguments.
Call = tuple[str, Json]


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The address of a control plane: INCIDENT_MCP_CONTROL_URL, or that of a server that lives as long as this.

    INCIDENT_MCP names the program, where it is not on the path. The options go to `incident-mcp serve`.
    """
    if running := os.environ.get("INCIDENT_MCP_CONTROL_URL"):
        yield running
        return
    command = [os.environ.get("INCIDENT_MCP", "incident-mcp"), "serve", "--http", "127.0.0.1:0"]
    command += ["--control", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            log: list[str] = []
            for line in process.stderr:
                log.append(line)
                if ready := re.search(r"control plane on (http://\S+)", line):
                    break
            else:
                raise RuntimeError(f"the server did not start:\n{''.join(log)}")
            # What it logs has to be read, or it would wait for that.
            Thread(target=process.stderr.read, daemon=True).start()
            yield ready[1]
        finally:
            process.terminate()
            process.wait()


@dataclass
class Episode:
    """One isolated state: fixtures, a policy, whoever acts, and all that was called."""

    control: httpx2.AsyncClient
    id: str
    mcp_url: str

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[Client]:
        """An MCP session with the episode, for the agent."""
        async with (
            httpx2.AsyncClient(headers=bearer("INCIDENT_MCP_TOKEN"), timeout=PATIENCE) as http,
            Client(streamable_http_client(self.mcp_url, http_client=http)) as client,
        ):
            yield client

    async def hash(self) -> str:
        """The hash of the state. Two that are equal hold the same records, whatever the order of the calls."""
        return (await self._ask("GET", "/hash"))["state"]

    async def diff(self, against: str = "image") -> list[Json]:
        """The cells that differ from the fixtures, or from `episode:ID` or `checkpoint:NAME`."""
        return (await self._ask("GET", "/diff", params={"against": against}))["differences"]

    async def journal(self) -> list[Json]:
        """Every call with its arguments, answer, rule and changes."""
        calls, page = [], {"next": 0}
        while "next" in page:
            page = await self._ask("GET", "/journal", params={"after": page["next"]})
            calls += page["calls"]
        return calls

    async def summary(self) -> Json:
        """How many calls, how many halts by rule, what is unpaid, and the hash."""
        return (await self._ask("GET"))["summary"]

    async def reset(self) -> None:
        """Go back to the fixtures."""
        await self._ask("POST", "/reset")

    def fork(self) -> AbstractAsyncContextManager["Episode"]:
        """A copy of the present state, which goes its own way."""
        return _live(self.control, f"/episodes/{self.id}/fork", {})

    async def _ask(self, method: str, path: str = "", **more: Any) -> Json:
        return await _ask(self.control, method, f"/episodes/{self.id}{path}", **more)


@asynccontextmanager
async def episode(control: str, **settings: Any) -> AsyncIterator[Episode]:
    """A new episode, closed at the end. Settings: policy, fixtures, mode, audit, actor, id, ttl_seconds."""
    headers = bearer("INCIDENT_MCP_CONTROL_TOKEN")
    async with (
        httpx2.AsyncClient(base_url=control, headers=headers, timeout=PATIENCE) as client,
        _live(client, "/episodes", settings) as live,
    ):
        yield live


async def play(agent: Client, calls: Iterable[Call]) -> list[Json]:
    """Make calls, gold's for example, and return their answers; a halt is an answer too."""
    return [(await agent.call_tool(tool, arguments)).structured_content for tool, arguments in calls]


async def gold_hash(control: str, calls: Iterable[Call], **settings: Any) -> str:
    """The hash of the state that those calls leave in an episode of their own."""
    async with episode(control, **settings) as gold:
        async with gold.agent() as agent:
            answers = await play(agent, calls)
        for answer in answers:
            if answer.get("halt"):
                raise ValueError(f"gold halts: {answer['message']} ({answer['rule']})")
        return await gold.hash()


def bearer(variable: str) -> dict[str, str]:
    """The header with the token that the environment names, where there is one."""
    token = os.environ.get(variable)
    return {"Authorization": f"Bearer {token}"} if token else {}


@asynccontextmanager
async def _live(control: httpx2.AsyncClient, path: str, settings: Json) -> AsyncIterator[Episode]:
    created = await _ask(control, "POST", path, json=settings)
    live = Episode(control, created["id"], created["mcp_url"])
    try:
        yield live
    finally:
        await live._ask("DELETE")


async def _ask(control: httpx2.AsyncClient, method: str, path: str, **more: Any) -> Json:
    response = await control.request(method, path, **more)
    if response.is_error:
        raise RuntimeError(f"{method} {path}: {response.text}")
    return response.json() if response.content else {}
