"""The program as the MCP Inspector's command line meets it, in both eras of the protocol.

The Inspector checks the structure of every answer, halts too, against the tool's output schema.
"""

import json
import os
from pathlib import Path

import pytest

from program import HALTING, METRIC, WRITES

OK, UNSUPPORTED, TOOL_ERROR = 0, 1, 5


both_eras = pytest.mark.parametrize("era", ["legacy", "modern"])


def call(tool: str, arguments: dict) -> tuple[str, ...]:
    return ("--tool-name", tool, "--tool-args-json", json.dumps(arguments), "--format", "json")


@both_eras
def test_initialize(inspector, era):
    code, result, error = inspector("initialize", era=era)
    assert code == OK, error
    assert result["serverInfo"]["name"] == "incident-mcp"
    assert result["protocolVersion"] == {"legacy": "2025-11-25", "modern": "2026-07-28"}[era]
    assert set(result["capabilities"]) - {"extensions"} == {"tools", "resources", "prompts", "completions"}
    assert ("extensions" in result["capabilities"]) == (era == "modern")


@both_eras
def test_tools_are_listed(inspector, era):
    code, result, error = inspector("tools/list", era=era)
    assert code == OK, error
    names = [tool["name"] for tool in result["tools"]]
    assert "log_metric" in names and len(names) == len(set(names))
    assert "nextCursor" not in result


@pytest.mark.parametrize("policy", WRITES)
def test_schemas_are_portable(inspector, policy):
    code, result, error = inspector("tools/list", "--strict", program=("serve", "--policy", policy))
    assert code == OK, error
    assert "0 errors" in error or "Schema portability" not in error
    # What a model is shown has not even a warning.
    assert "inputSchema" not in error, error


@both_eras
def test_a_call_goes_through(inspector, era):
    code, envelope, error = inspector("tools/call", *call("log_metric", METRIC), era=era)
    assert code == OK, error
    assert envelope["result"]["structuredContent"]["metric_id"] == "28"
    code, envelope, error = inspector("tools/call", *call("find_users", {"user_id": "6", "acting_user": "6"}), era=era)
    assert code == OK, error
    assert envelope["result"]["structuredContent"]["count"] == 1


@both_eras
@pytest.mark.parametrize(
    ("arguments", "expected"), [(HALTING, "INCIDENT_NOT_CLOSED"), ({}, "INVALID_INPUT")], ids=["rule", "input"]
)
def test_a_halt_arrives(inspector, era, arguments, expected):
    code, envelope, error = inspector("tools/call", *call("log_metric", arguments), era=era)
    assert code == TOOL_ERROR, error
    assert '"tool_is_error"' in error
    assert envelope["result"]["isError"] is True
    assert envelope["result"]["structuredContent"]["code"] == expected


@both_eras
def test_resources(inspector, era):
    code, result, error = inspector("resources/list", era=era)
    assert code == OK, error
    uris = [resource["uri"] for resource in result["resources"]]
    assert {"policy://all", "policy://all/words", "policy://all/tiers", "policy://all/clauses/metric.2"} <= set(uris)
    for uri, part in [
        ("policy://all", "# "),
        ("policy://all/clauses/metric.2", '"clause":"metric.2"'),
        ("record://incidents/16", '"incident_id":"16"'),
    ]:
        code, result, error = inspector("resources/read", "--uri", uri, era=era)
        assert code == OK, error
        assert part in result["contents"][0]["text"]
    code, result, error = inspector("resources/templates/list", era=era)
    assert code == OK, error
    assert len(result["resourceTemplates"]) == 3
    code, result, error = inspector("resources/read", "--uri", "record://incidents/999", era=era)
    assert (code, result) == (UNSUPPORTED, None)
    assert "no such resource" in error


@both_eras
def test_prompts(inspector, era):
    code, result, error = inspector("prompts/list", era=era)
    assert code == OK, error
    assert "log_metric" in [prompt["name"] for prompt in result["prompts"]]
    arguments = ("incident_id=15", "metric_type=resolution_time", "calculated_value_minutes=12")
    code, result, error = inspector("prompts/get", "--prompt-name", "log_metric", "--prompt-args", *arguments, era=era)
    assert code == OK, error
    assert "- incident_id: 15" in result["messages"][0]["content"]["text"]
    code, result, error = inspector("prompts/get", "--prompt-name", "log_metric", era=era)
    assert (code, result) == (UNSUPPORTED, None)
    assert "needs the argument" in error


def test_the_state_goes_on(inspector, tmp_path: Path):
    program = ("serve", "--state", os.fspath(tmp_path / "episode.db"))
    for metric, kind in [("28", "resolution_time"), ("29", "response_time")]:
        arguments = call("log_metric", METRIC | {"metric_type": kind})
        code, envelope, error = inspector("tools/call", *arguments, program=program)
        assert code == OK, error
        assert envelope["result"]["structuredContent"]["metric_id"] == metric
