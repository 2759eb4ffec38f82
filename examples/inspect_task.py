"""An Inspect AI task over episodes: each sample in an episode of its own, scored by its state's hash against gold's.

    python inspect_task.py                  # with a scripted model, no network
    inspect eval inspect_task.py --model openai/gpt-5 -T control=http://127.0.0.1:7331

The second form reaches a server that runs, and a model as Inspect names it.
"""

import argparse
import sys

from inspect_ai import Task, eval, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, Model, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolChoice, ToolInfo, mcp_connection, mcp_server_http

from cases import CASES, case
from incident_episodes import bearer, episode, gold_hash, server


@task
def incidents(control: str) -> Task:
    """The requests in `cases.py`, in episodes of the server with that control plane."""
    dataset = [Sample(id=case.id, input=case.request) for case in CASES]
    return Task(dataset=dataset, solver=in_episode(control), scorer=same_state(control))


@solver
def in_episode(control: str) -> Solver:
    """Let the model call the tools of a new episode until it calls none; keep what became of it."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        async with episode(control, **case(state.sample_id).settings) as run:
            tools = mcp_server_http(name="incident-mcp", url=run.mcp_url, headers=bearer("INCIDENT_MCP_TOKEN"))
            async with mcp_connection(tools):
                state.tools = await tools.tools()
                state = await generate(state)
            state.store.set("summary", await run.summary())
        return state

    return solve


@scorer(metrics=[accuracy()])
def same_state(control: str) -> Scorer:
    """Correct where the episode ended in the state that gold leaves."""

    async def score(state: TaskState, target: Target) -> Score:
        summary = state.store.get("summary")
        gold = case(state.sample_id)
        equal = summary["hash"] == await gold_hash(control, gold.gold, **gold.settings)
        halts = sum(summary["halts"].values())
        explanation = f"{summary['calls']} calls, {halts} halted, {len(summary['unpaid'])} audit entries unpaid"
        return Score(value=CORRECT if equal else INCORRECT, answer=summary["hash"], explanation=explanation)

    return score


def scripted(gives_up: bool) -> Model:
    """A model that says what the script of the request says: the next turn after those that there are already."""

    def answer(
        messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        request = next(message.text for message in messages if isinstance(message, ChatMessageUser))
        turns = next(case for case in CASES if case.request == request).script(gives_up)
        turn = turns[sum(message.role == "assistant" for message in messages)]
        if turn.tool:
            output = ModelOutput.for_tool_call("scripted", turn.tool, turn.arguments, content=turn.says)
        else:
            output = ModelOutput.from_content("scripted", turn.says)
        # Tokens are said to be none, since Inspect would fetch a tokenizer to count them.
        output.usage = ModelUsage()
        return output

    return get_model("mockllm/model", custom_outputs=answer)


def main() -> None:
    """Run the task; the exit code says whether all samples are correct."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gives-up", action="store_true", help="the model stops at the halt and repairs nothing")
    parser.add_argument("--logs", default="logs", help="where Inspect writes its log")
    options = parser.parse_args()
    with server() as control:
        [log] = eval(
            incidents(control),
            model=scripted(options.gives_up),
            display="none",
            log_dir=options.logs,
            log_format="json",
        )
    if log.status != "success":
        sys.exit(f"{log.status}: {log.error and log.error.message}")
    for sample in log.samples:
        score = sample.scores["same_state"]
        print(f"{sample.id}: {score.value}, {score.explanation}")
    [metric] = log.results.scores
    print(f"accuracy {metric.metrics['accuracy'].value}")
    sys.exit(metric.metrics["accuracy"].value < 1)


if __name__ == "__main__":
    main()
