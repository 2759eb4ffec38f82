"""An agent loop over Anthropic's messages whose tools are those of an episode. Run it: python anthropic_loop.py

The model is scripted: the real SDK, on a transport that answers from a script. For a real model, put `AsyncAnthropic()`
in place of `scripted(script)`, set ANTHROPIC_API_KEY and name the model in MODEL.
"""

import json

import httpx2
from anthropic import AsyncAnthropic
from mcp import Client

from cases import Turn
from incident_episodes import Json
from loop import TURNS, main

MODEL = "scripted"

#: Longest answer of the model, in tokens: a call of any tool fits.
TOKENS = 4096


def scripted(script: tuple[Turn, ...]) -> AsyncAnthropic:
    """A client whose model says what the script says: the next turn after those that the request has already."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        number = sum(message["role"] == "assistant" for message in json.loads(request.content)["messages"])
        turn = script[number]
        content: list[Json] = [{"type": "text", "text": turn.says}]
        if turn.tool:
            content.append({"type": "tool_use", "id": f"toolu_{number}", "name": turn.tool, "input": turn.arguments})
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": MODEL, "content": content}
        message |= {"stop_reason": "tool_use" if turn.tool else "end_turn", "stop_sequence": None}
        return httpx2.Response(200, json=message | {"usage": {"input_tokens": 0, "output_tokens": 0}})

    return AsyncAnthropic(api_key="none", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))


async def loop(agent: Client, request: str, script: tuple[Turn, ...]) -> Json:
    """Let the model call tools until it calls none."""
    model = scripted(script)
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        for tool in (await agent.list_tools()).tools
    ]
    system = agent.instructions
    messages: list[Json] = [{"role": "user", "content": request}]
    for _ in range(TURNS):
        message = await model.messages.create(
            model=MODEL, max_tokens=TOKENS, system=system, messages=messages, tools=tools
        )
        messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            break
        answers = [(call, await agent.call_tool(call.name, call.input)) for call in calls]
        # A halt is an answer: the model reads what to do instead.
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": answer.content[0].text,
                "is_error": bool(answer.is_error),
            }
            for call, answer in answers
        ]
        messages.append({"role": "user", "content": results})
    return {"system": system, "messages": messages, "tools": tools}


if __name__ == "__main__":
    main(loop)
