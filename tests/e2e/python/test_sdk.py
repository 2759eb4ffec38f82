"""The program as the official Python SDK meets it, over standard input and output, in both eras of the protocol.

The SDK checks the structure of every success against the tool's output schema by itself.
"""

import json
from contextlib import asynccontextmanager

import jsonschema
import pytest
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from program import HALTING, LOOKUP, METRIC, PROGRAM, WRITES, WRONG, WRONG_FIELDS, committed_tools

ERAS = ["2025-11-25", "2026-07-28"]

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("era", ERAS)]


@asynccontextmanager
async def connected(era: str, tmp_path, *arguments: str):
    """A session with a fresh episode, and the result with which it began."""
    server = StdioServerParameters(command=str(PROGRAM), args=["serve", *arguments])
    with open(tmp_path / "stderr", "w", encoding="utf-8") as log:
        async with stdio_client(server, errlog=log) as streams, ClientSession(*streams) as session:
            begun = await (session.initialize() if era == ERAS[0] else session.discover())
            assert session.protocol_version == era
            yield session, begun


def answer(result) -> dict:
    """What a call answered, of which text and structure say the same."""
    [content] = result.content
    assert json.loads(content.text) == result.structured_content
    return result.structured_content


async def test_it_says_who_it_is(era, tmp_path):
    async with connected(era, tmp_path) as (session, begun):
        assert session.server_info.name == "incident-mcp"
        assert begun.instructions.startswith("Incident management under the policy all")
        offered = session.server_capabilities.model_dump(exclude_none=True)
        assert set(offered) - {"extensions"} == {"tools", "resources", "prompts", "completions"}
        # Skills, which the revisions before do not know.
        assert ("extensions" in offered) == (era == ERAS[-1])


@pytest.mark.parametrize("policy", WRITES)
async def test_all_tools_are_on_one_page(era, tmp_path, policy):
    async with connected(era, tmp_path, "--policy", policy) as (session, _):
        page = await session.list_tools()
        assert page.next_cursor is None
        listed = [tool.model_dump(by_alias=True, exclude_none=True) for tool in page.tools]
        same = listed == committed_tools(policy)
        assert same, "not as committed; see tests/it/tools.rs"
        for tool in page.tools:
            assert tool.title and tool.description
            assert tool.output_schema["type"] == "object"
            hints = tool.annotations
            assert None not in (
                hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint
            )
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            jsonschema.Draft202012Validator.check_schema(tool.output_schema)


@pytest.mark.parametrize("policy", WRITES)
async def test_lookups_and_a_write(era, tmp_path, policy):
    async with connected(era, tmp_path, "--policy", policy) as (session, _):
        tools = [tool.name for tool in (await session.list_tools()).tools]
        for lookup in (name for name in tools if name.startswith("find_")):
            result = await session.call_tool(lookup, LOOKUP)
            assert not result.is_error, (lookup, result.content)
            assert 0 < answer(result)["count"] <= 2
        tool, arguments, identifier = WRITES[policy]
        result = await session.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert answer(result)[identifier].isdigit()


async def test_a_halt_is_an_answer(era, tmp_path):
    async with connected(era, tmp_path) as (session, _):
        [tool] = [tool for tool in (await session.list_tools()).tools if tool.name == "log_metric"]
        result = await session.call_tool("log_metric", HALTING)
        assert result.is_error
        halt = answer(result)
        assert halt["halt"] is True
        assert (halt["code"], halt["clause"]) == ("INCIDENT_NOT_CLOSED", "metric.2")
        assert halt["message"] and halt["remedy"]
        # This SDK does not check it; others do, and would keep the halt from the agent.
        jsonschema.validate(halt, tool.output_schema)
        # Nothing was written: the next metric has the next number.
        result = await session.call_tool("log_metric", METRIC)
        assert answer(result)["metric_id"] == "28"


async def test_all_problems_of_an_input_are_told_at_once(era, tmp_path):
    async with connected(era, tmp_path) as (session, _):
        result = await session.call_tool("log_metric", WRONG)
        assert result.is_error
        halt = answer(result)
        assert halt["code"] == "INVALID_INPUT"
        assert {problem["field"] for problem in halt["problems"]} == WRONG_FIELDS
        [word] = [problem for problem in halt["problems"] if problem["field"] == "metric_type"]
        assert word["did_you_mean"] == "resolution_time"
        # None at all, and an empty object, are the same.
        for nothing in (None, {}):
            assert answer(await session.call_tool("log_metric", nothing))["code"] == "INVALID_INPUT"


async def test_an_unknown_tool_is_an_error_of_the_protocol(era, tmp_path):
    async with connected(era, tmp_path) as (session, _):
        with pytest.raises(MCPError) as error:
            await session.call_tool("log_metrics", METRIC)
        assert error.value.code == -32602
        assert "log_metric" in error.value.message


async def test_resources(era, tmp_path):
    async with connected(era, tmp_path, "--policy", "all") as (session, _):
        listed = (await session.list_resources()).resources
        uris = [str(resource.uri) for resource in listed]
        assert uris[:3] == ["policy://all", "policy://all/words", "policy://all/tiers"]
        assert "policy://all/clauses/metric.2" in uris

        async def read(uri):
            [content] = (await session.read_resource(uri)).contents
            return content

        policy = await read("policy://all")
        assert policy.mime_type == "text/markdown" and policy.text.startswith("# ")
        assert json.loads((await read("policy://all/words")).text)["severity"] == ["P1", "P2", "P3", "P4"]
        assert "premium" in json.loads((await read("policy://all/tiers")).text)
        clause = json.loads((await read("policy://all/clauses/metric.2")).text)
        assert clause["clause"] == "metric.2" and clause["carried_out"]
        record = json.loads((await read("record://incidents/16")).text)
        assert (record["incident_id"], record["status"]) == ("16", "resolved")

        templates = (await session.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == [
            "record://{table}/{id}",
            "policy://all/clauses/{clause}",
            "skill://all/{skill}/{+file}",
        ]
        for nothing in ("record://incidents/999", "policy://other", "file:///etc/hosts"):
            with pytest.raises(MCPError) as error:
                await session.read_resource(nothing)
            assert error.value.code == (-32002 if era == ERAS[0] else -32602)


async def test_prompts(era, tmp_path):
    async with connected(era, tmp_path) as (session, _):
        prompts = (await session.list_prompts()).prompts
        assert not [prompt.name for prompt in prompts if prompt.name.startswith("find_")]
        [prompt] = [prompt for prompt in prompts if prompt.name == "log_metric"]
        required = [argument.name for argument in prompt.arguments if argument.required]
        assert required == ["incident_id", "metric_type", "calculated_value_minutes"]
        arguments = {"incident_id": "15", "metric_type": "resolution_time", "calculated_value_minutes": "12"}
        [message] = (await session.get_prompt("log_metric", arguments)).messages
        assert message.role == "user"
        for part in ("`log_metric`", "- incident_id: 15", "metric.2: "):
            assert part in message.content.text
        for name, given in (("log_metric", {"incident_id": "15"}), ("log_metric", arguments | {"x": "1"}), ("x", {})):
            with pytest.raises(MCPError) as error:
                await session.get_prompt(name, given)
            assert error.value.code == -32602


async def test_completions(era, tmp_path):
    async with connected(era, tmp_path) as (session, _):

        async def complete(ref, name, value, context=None):
            return (await session.complete(ref, {"name": name, "value": value}, context)).completion

        prompt = PromptReference(type="ref/prompt", name="log_metric")
        record = ResourceTemplateReference(type="ref/resource", uri="record://{table}/{id}")
        clause = ResourceTemplateReference(type="ref/resource", uri="policy://all/clauses/{clause}")
        assert (await complete(prompt, "incident_id", "3")).values == ["3", "30", "31", "32", "33"]
        assert (await complete(prompt, "metric_type", "res")).values == ["response_time", "resolution_time"]
        assert (await complete(prompt, "calculated_value_minutes", "1")).values == []
        assert "incidents" in (await complete(record, "table", "inc")).values
        assert (await complete(record, "id", "1", {"table": "vendors"})).values == ["1"]
        many = await complete(record, "id", "", {"table": "incident_updates"})
        assert (len(many.values), many.has_more) == (100, True)
        clauses = (await complete(clause, "clause", "metric.")).values
        assert "metric.2" in clauses and all(name.startswith("metric.") for name in clauses)


async def test_the_episode_is_kept_in_its_file(era, tmp_path):
    state = ("--state", str(tmp_path / "episode.db"))
    for metric in ("28", "29"):
        async with connected(era, tmp_path, *state) as (session, _):
            kind = {"28": "resolution_time", "29": "response_time"}[metric]
            result = await session.call_tool("log_metric", METRIC | {"metric_type": kind})
            assert answer(result)["metric_id"] == metric


async def test_the_session_s_user_acts(era, tmp_path):
    async with connected(era, tmp_path, "--actor", "6") as (session, _):
        anonymous = {name: value for name, value in METRIC.items() if name != "recorded_by_user"}
        assert not (await session.call_tool("log_metric", anonymous)).is_error
        result = await session.call_tool("log_metric", anonymous | {"recorded_by_user": "12"})
        assert answer(result)["code"] == "ACTOR_MISMATCH"


async def test_the_client_finds_its_era_by_itself(era, tmp_path):
    """The SDK's other client: it asks for the newest revision, or for the handshake when told to."""
    server = StdioServerParameters(command=str(PROGRAM), args=["serve"])
    async with Client(server, mode="legacy" if era == ERAS[0] else "auto") as client:
        assert client.protocol_version == era
        result = await client.call_tool("log_metric", METRIC)
        assert answer(result)["metric_id"] == "28"
