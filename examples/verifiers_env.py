"""An environment for `verifiers`: each rollout in an episode of its own, rewarded for reaching gold's state.

    python verifiers_env.py                 # evaluate a scripted model, no network

Other programs of `verifiers` load it by name, as taskset and harness `verifiers_env`, with the control plane's address
in INCIDENT_MCP_CONTROL_URL; the model is then whichever they are given. The harness is the loop of `openai_loop.py`.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import verifiers.v1 as vf
from openai import AsyncOpenAI
from pydantic import ConfigDict, Field

from cases import CASES, Case, case
from incident_episodes import Episode, Json, episode, gold_hash, server
from openai_loop import completion, converse

#: Where the control plane is.
CONTROL = "INCIDENT_MCP_CONTROL_URL"


class Rollout(vf.State):
    """What a rollout keeps: its episode, and what happened in it, once it is over."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    open: AsyncExitStack = Field(default_factory=AsyncExitStack, exclude=True)
    run: Episode | None = Field(default=None, exclude=True)
    summary: Json = Field(default_factory=dict)


class IncidentTask(vf.Task[vf.TaskData, Rollout]):
    """One request, in an episode that begins before the agent and is summed up after it."""

    @property
    def case(self) -> Case:
        """The case that the task is made of."""
        return case(self.data.id)

    async def setup(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Begin the episode."""
        state = trace.state
        state.run = await state.open.enter_async_context(episode(os.environ[CONTROL], **self.case.settings))

    async def finalize(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Sum the episode up, and close it."""
        async with trace.state.open:
            trace.state.summary = await trace.state.run.summary()

    @vf.reward(weight=1.0)
    async def same_state(self, trace: vf.Trace) -> float:
        """Whether the state is the one that gold leaves."""
        gold = await gold_hash(os.environ[CONTROL], self.case.gold, **self.case.settings)
        return float(trace.state.summary["hash"] == gold)

    @vf.metric
    async def halts(self, trace: vf.Trace) -> float:
        """How many calls broke a rule."""
        return float(sum(trace.state.summary["halts"].values()))

    @vf.metric
    async def unpaid(self, trace: vf.Trace) -> float:
        """How many audit entries are owed."""
        return float(len(trace.state.summary["unpaid"]))


class IncidentTaskset(vf.Taskset[IncidentTask, vf.TasksetConfig]):
    """The requests in `cases.py`."""

    def load(self) -> Iterable[IncidentTask]:
        """A task for each."""
        for each in CASES:
            yield IncidentTask(vf.TaskData(id=each.id, prompt=each.request), self.config.task)


class IncidentHarness(vf.Harness[vf.HarnessConfig]):
    """The agent loop, within this process; every request of it goes through the endpoint that `verifiers` watches."""

    NEEDS_CONTAINER = False
    EXECUTES_CODE = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        """Let the model work on the request; what it said is in the trace by then."""
        async with AsyncOpenAI(base_url=endpoint, api_key=secret) as model, trace.state.run.agent() as agent:
            await converse(model, ctx.model, agent, data.prompt_text)
        return vf.ProgramResult(0, "", "")


__all__ = ["IncidentHarness", "IncidentTaskset"]


def load_environment() -> vf.Env:
    """The environment, with one agent that runs on this machine."""
    agent = vf.AgentConfig(harness={"id": "verifiers_env"}, runtime=vf.SubprocessConfig())
    return vf.SingleAgentEnv(vf.SingleAgentEnvConfig(taskset={"id": "verifiers_env"}, agent=agent))


@contextmanager
def scripted(gives_up: bool) -> Iterator[str]:
    """The address of an API whose model says what the script of the request says."""

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = next(message["content"] for message in request["messages"] if message["role"] == "user")
            script = next(case for case in CASES if case.request == asked).script(gives_up)
            body = json.dumps(completion(request, script)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        Thread(target=api.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{api.server_port}/v1"
        api.shutdown()


async def evaluate(endpoint: str) -> float:
    """Play all tasks with the model at that address; the mean reward."""
    environment = load_environment()
    model = vf.ModelContext("scripted", vf.EvalClientConfig(base_url=endpoint, api_key_var="NO_KEY"))
    rewards = []
    async with environment.serving():
        for task in environment.taskset:
            played = await environment.run_episode(task, model)
            for error in played.errors:
                print(f"{task.data.id}: {error.type}: {error.message}")
            for trace in played.traces:
                measures = ", ".join(f"{name} {value}" for name, value in sorted(trace.metrics.items()))
                print(f"{task.data.id}: reward {trace.reward}, {measures}")
                rewards.append(trace.reward)
    return sum(rewards) / len(rewards)


def main() -> None:
    """Evaluate the scripted model; the exit code says whether every reward is 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gives-up", action="store_true", help="the model stops at the halt and repairs nothing")
    gives_up = parser.parse_args().gives_up
    with server() as control, scripted(gives_up) as endpoint:
        os.environ[CONTROL] = control
        reward = asyncio.run(evaluate(endpoint))
    print(f"reward {reward}")
    sys.exit(reward < 1)


if __name__ == "__main__":
    main()
