"""An agent loop over OpenAI's chat completions whose tools are those of an episode. Run it: python openai_loop.py

The model is scripted: the real SDK, on a transport that answers from a script. For a real model, put `AsyncOpenAI()`
in place of `scripted(script)`, set OPENAI_API_KEY and name the model in MODEL.
"""

import json

import httpx2
from mcp import Client
from openai import AsyncOpenAI

from cases import Turn
from incident_episodes import Json
from loop import TURNS, main

MODEL = "scripted"


def completion(request: Json, script: tuple[Turn, ...]) -> Json:
    """What the API answers where the model says the next turn after those that the request has already."""
    number = sum(message["role"] == "assistant" for message in request["messages"])
    turn = script[number]
    message: Json = {"role": "assistant", "content": turn.says}
    if turn.tool:
        function = {"name": turn.tool, "arguments": json.dumps(turn.arguments)}
        message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if turn.tool else "stop"}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [choice],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def scripted(script: tuple[Turn, ...]) -> AsyncOpenAI:
    """A client whose model says what the script says."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=completion(json.loads(request.content), script))

    return AsyncOpenAI(api_key="none", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))


async def converse(model: AsyncOpenAI, name: str, agent: Client, request: str) -> Json:
    """Let the model call tools until it calls none."""
    tools = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in (await agent.list_tools()).tools
    ]
    messages: list[Json] = [{"role": "system", "content": agent.instructions}, {"role": "user", "content": request}]
    for _ in range(TURNS):
        completion = await model.chat.completions.create(model=name, messages=messages, tools=tools)
        message = completion.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            answer = await agent.call_tool(call.function.name, json.loads(call.function.arguments))
            # A halt is an answer: the model reads what to do instead.
            messages.append({"role": "tool", "tool_call_id": call.id, "content": answer.content[0].text})
    return {"messages": messages, "tools": tools}


async def loop(agent: Client, request: str, script: tuple[Turn, ...]) -> Json:
    """The conversation with the scripted model."""
    return await converse(scripted(script), MODEL, agent, request)


if __name__ == "__main__":
    main(loop)
