"""Skills as a host on the npm SDK of the extension and the MCP Inspector's command line meet them."""

import json
import subprocess

from conftest import E2E, node
from program import PROGRAM, environment


def test_the_npm_sdk_of_the_extension_reads_and_verifies_every_skill():
    command = [node(), str(E2E / "inspector" / "skills.mjs"), str(PROGRAM), "client-user-vendor"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True, timeout=60)
    said = json.loads(ran.stdout)
    assert said["supports"] == [True, True]
    assert all(limit["withinLimits"] for limit in said["limits"])
    assert "skill://client-user-vendor/registering-a-vendor/SKILL.md" in said["read"] and len(said["read"]) > 5


def test_the_inspector_reads_a_skill_as_a_resource(inspector):
    uri = "skill://all/problem-tickets/SKILL.md"
    code, listed, error = inspector("resources/list")
    assert code == 0 and uri in [resource["uri"] for resource in listed["resources"]], error
    code, read, error = inspector("resources/read", "--uri", uri)
    assert code == 0 and read["contents"][0]["text"].startswith("---\nname: 'problem-tickets'"), error


def test_the_inspector_lists_the_skills(inspector):
    code, listed, error = inspector("skills/list", era="modern")
    assert code == 0, error
    for skill in listed["skills"]:
        assert skill["uri"].endswith(f"/{skill['frontmatter']['name']}/SKILL.md")
        assert skill["uri"] in [file["uri"] for file in skill["resources"]]
