"""What the tests with the MCP Inspector share: its command line, on a Node that it runs on."""

import json
import shutil
import subprocess

import pytest

from program import PROGRAM, ROOT, environment

E2E = ROOT / "tests" / "e2e"
LAUNCHER = E2E / "node_modules" / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"


def version(node: str) -> tuple[int, ...]:
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split("."))


def node() -> str:
    """A Node that the Inspector runs on: the one that came as a package, else the system's."""
    packaged = sorted(E2E.glob("node_modules/node-*/bin/node*"))
    for candidate in [*map(str, packaged), shutil.which("node")]:
        if candidate and version(candidate) >= (22, 19):
            return candidate
    raise SystemExit("the MCP Inspector needs Node 22.19 or newer; run `npm ci` in tests/e2e, or install one")


@pytest.fixture(scope="session")
def inspector(tmp_path_factory):
    """Ask one thing of the program, or of a server, through the Inspector: the exit code, the result, the error."""
    home = tmp_path_factory.mktemp("inspector")
    env = environment() | {"HOME": str(home), "MCP_STORAGE_DIR": str(home), "NO_COLOR": "1"}
    command = [node(), str(LAUNCHER), "--cli"]

    def ask(method: str, *arguments: str, era: str | None = None, program=("serve",), url: str | None = None):
        eras = ["--protocol-era", era] if era else []
        target = [url] if url else [str(PROGRAM), *program]
        ran = subprocess.run(
            [*command, *target, *eras, "--method", method, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            cwd=home,
            timeout=60,
        )
        result = json.loads(ran.stdout) if ran.stdout.strip() else None
        return ran.returncode, result, ran.stderr

    return ask
