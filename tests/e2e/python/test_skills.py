"""Skills as other people's readers of them check them: agentskills-core's validation of an export, and fastmcp's models of the
Skills extension for what is served."""

import asyncio
import hashlib
import os
import subprocess

import pytest

core = pytest.importorskip("agentskills_core", reason="pinned in requirements-skills.txt")
models = pytest.importorskip("fastmcp.skills.models")

from agentskills_core.parsing import split_frontmatter
from agentskills_core.validation import validate_skill
from mcp.client.session import ClientSession  # noqa: F401  (the SDK that fastmcp's models rest on)

PROGRAM = os.environ["INCIDENT_MCP"]
POLICIES = ["all", "client-user-vendor", "it-incident-management", "problem-to-review"]


class Folder:
    """A skill in a folder, as agentskills-core asks for it."""

    def __init__(self, path):
        self.path = path
        self.front, self.body = split_frontmatter((path / "SKILL.md").read_text(encoding="utf-8"))

    def get_id(self):
        return self.path.name

    async def get_body(self):
        return self.body

    async def get_metadata(self):
        return self.front


@pytest.mark.parametrize("policy", POLICIES)
def test_an_export_is_valid(policy, tmp_path):
    subprocess.run([PROGRAM, "policy", "export", "--policy", policy, "--skill", str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) > 3
    for folder in folders:
        assert asyncio.run(validate_skill(Folder(folder))) == []


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def ask(policy, *requests):
    """The results of requests of 2026-07-28 over standard input and output."""
    import json

    lines = [
        json.dumps({"jsonrpc": "2.0", "id": at, "method": method, "params": {**params, "_meta": META}})
        for at, (method, params) in enumerate(requests)
    ]
    ran = subprocess.run([PROGRAM, "serve", "--policy", policy], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = sorted((json.loads(line) for line in ran.stdout.splitlines()), key=lambda answer: answer["id"])
    return [answer["result"] for answer in answers]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_served_fits_the_models_of_clients(policy):
    (listed,) = ask(policy, ("skills/list", {}))
    skills = models.ListSkillsResult.model_validate(listed).skills
    got = ask(policy, *[("skills/get", {"uri": skill.uri}) for skill in skills])
    assert [models.GetSkillResult.model_validate(result).skill for result in got] == skills
    files = [file for skill in skills for file in skill.resources]
    reads = ask(policy, *[("resources/read", {"uri": file.uri}) for file in files])
    for file, read in zip(files, reads):
        data = read["contents"][0]["text"].encode()
        assert (len(data), "sha256:" + hashlib.sha256(data).hexdigest()) == (file.size, file.digest)
    for skill in skills:
        main = next(read for file, read in zip(files, reads) if file.uri == skill.uri)
        front, _ = split_frontmatter(main["contents"][0]["text"])
        assert front == skill.frontmatter.root
