"""The program as a server over HTTP, as the MCP Inspector's command line meets it: in both eras, and over the old transport."""

import json

import pytest

from program import HALTING, METRIC

OK, UNSUPPORTED, TOOL_ERROR = 0, 1, 5

#: The end of an episode's address, and the era of the protocol that is spoken there.
WAYS = [("mcp", "legacy"), ("mcp", "modern"), ("sse", "legacy")]

each_way = pytest.mark.parametrize(("end", "era"), WAYS)


@each_way
def test_tools_are_listed(inspector, shared, end, era):
    code, result, error = inspector("tools/list", era=era, url=f"{shared.url}/{end}")
    assert code == OK, error
    assert "log_metric" in [tool["name"] for tool in result["tools"]]


@each_way
def test_calls_and_halts_arrive(inspector, shared, end, era):
    address = f"{shared.url}/e/{shared.create()}/{end}"

    def call(arguments: dict):
        told = ("--tool-name", "log_metric", "--tool-args-json", json.dumps(arguments), "--format", "json")
        return inspector("tools/call", *told, era=era, url=address)

    code, envelope, error = call(HALTING)
    assert code == TOOL_ERROR, error
    assert envelope["result"]["structuredContent"]["code"] == "INCIDENT_NOT_CLOSED"
    # Nothing was written, and the episode lives on from one client to the next.
    for metric, kind in [("28", "resolution_time"), ("29", "response_time")]:
        code, envelope, error = call(METRIC | {"metric_type": kind})
        assert code == OK, error
        assert envelope["result"]["structuredContent"]["metric_id"] == metric


@each_way
def test_an_unknown_episode_is_an_error(inspector, shared, end, era):
    code, result, error = inspector("tools/list", era=era, url=f"{shared.url}/e/none/{end}")
    assert code == UNSUPPORTED and result is None
    # Where it finds out the revision first, all that it says is that there is none.
    assert "404" in error or "no episode" in error or "negotiation failed" in error
