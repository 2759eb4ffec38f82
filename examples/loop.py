"""What both agent loops have in common: options, an episode, and what is printed and written when the agent is done."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from mcp import Client

from cases import WRAP_UP, Turn
from incident_episodes import Episode, Json, episode, gold_hash, server

#: Takes the agent's session, the request and the model's script; returns the conversation in the API's own form.
Loop = Callable[[Client, str, tuple[Turn, ...]], Awaitable[Json]]

#: Most turns of an agent, of which the longest script needs seven.
TURNS = 20


def main(loop: Loop) -> None:
    """Play one case with that loop; the exit code says whether the state is gold's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gives-up", action="store_true", help="the model stops at the halt and repairs nothing")
    parser.add_argument("--transcript", type=Path, help="where to write the conversation, a line of JSON")
    options = parser.parse_args()
    with server() as control:
        equal = asyncio.run(_play(loop, control, options.gives_up, options.transcript))
    sys.exit(not equal)


async def _play(loop: Loop, control: str, gives_up: bool, transcript: Path | None) -> bool:
    async with episode(control, **WRAP_UP.settings) as run:
        async with run.agent() as agent:
            conversation = await loop(agent, WRAP_UP.request, WRAP_UP.script(gives_up))
        await _print(run)
        reached = await run.hash()
    if transcript:
        transcript.write_text(json.dumps({"task_id": WRAP_UP.id} | conversation) + "\n", encoding="utf-8")
    equal = reached == await gold_hash(control, WRAP_UP.gold, **WRAP_UP.settings)
    print(f"hash {reached}, {'equal to' if equal else 'not that of'} gold's")
    return equal


async def _print(run: Episode) -> None:
    for call in await run.journal():
        rule = f" ({call['rule']})" if call["rule"] else ""
        print(f"{call['call']}. {call['tool']}: {call['outcome']}{rule}")
    summary = await run.summary()
    halts = sum(summary["halts"].values())
    print(f"{summary['calls']} calls, {halts} halted, {len(summary['unpaid'])} audit entries unpaid")
    for (table, key), cells in groupby(await run.diff(), itemgetter("table", "key")):
        print(f"wrote {table} {key}: {', '.join(cell['column'] for cell in cells)}")
