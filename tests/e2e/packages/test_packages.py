"""What packaging/ built, installed from its file into a clean environment, and used: each starts and lists the tools.

PACKAGES names the folder that packaging/build filled.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import jsonschema
import pytest

from program import ROOT, committed_tools, environment

PACKAGES = Path(os.environ.get("PACKAGES", ROOT / "target/packages")).resolve()
VERSION = json.loads((ROOT / "server.json").read_text("utf-8"))["version"]

#: Most milliseconds that an installed command works from its start until it has listed its tools and ended: time of a processor, since
#: the machine has other work. What ships is optimized; what CI wraps need not be, and then takes some four times as long.
FASTEST = 40 if os.environ.get("PROFILE") == "dist" else 160
RUNS = 9

HELLO = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "packages", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
]


def one(pattern: str) -> Path:
    found = sorted(PACKAGES.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


def listed(*command) -> list[str]:
    """The tools that a server lists."""
    env = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, env=env)
    for message in HELLO:
        server.stdin.write(json.dumps(message) + "\n")
    server.stdin.flush()
    for line in server.stdout:
        answer = json.loads(line)
        if answer.get("id") == 2:
            break
    else:
        raise AssertionError(f"{command} listed nothing")
    server.stdin.close()
    assert server.wait(10) == 0
    return [tool["name"] for tool in answer["result"]["tools"]]


TOOLS = [tool["name"] for tool in committed_tools("all")]


@pytest.fixture(scope="module")
def wheel() -> Path:
    return one("wheel/*.whl")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The command, from the wheel in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    return folder / "bin/incident-mcp"


def test_a_wheel_is_for_both_kinds_of_libc(wheel):
    assert "manylinux_2_17" in wheel.name and "musllinux_1_1" in wheel.name, wheel.name


def test_the_wheel_is_what_pip_installs_and_its_command_is_the_program(installed):
    assert installed.read_bytes()[:4] == b"\x7fELF"
    said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True, env=environment())
    assert said.stdout == f"incident-mcp {VERSION}\n"
    assert listed(installed) == TOOLS


def test_the_installed_command_lists_its_tools_at_once(installed):
    def worked() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (used.ru_utime + used.ru_stime) * 1000

    times = []
    for _ in range(RUNS):
        before = worked()
        listed(installed)
        times.append(worked() - before)
    assert statistics.median(times) <= FASTEST, times


def test_the_program_needs_no_library_of_the_system(installed):
    said = subprocess.run(["ldd", installed], capture_output=True, text=True, check=False)
    assert "statically linked" in said.stdout + said.stderr or "not a dynamic executable" in said.stdout + said.stderr


def test_the_wheel_says_what_it_is_made_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if "/sboms/" in name and name.endswith(".json")]
        bill = json.loads(archive.read(name))
    assert bill["bomFormat"] == "CycloneDX"
    assert {"rmcp", "rusqlite", "tokio"} <= {part["name"] for part in bill["components"]}


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Path:
    """A project in which the npm packages are installed, from their files alone."""
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true}', "utf-8")
    files = sorted(PACKAGES.glob("npm/*.tgz"))
    assert len(files) == 2, files
    subprocess.run(["npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", *files], cwd=folder, check=True)
    return folder


def test_the_npm_package_starts_the_program_of_its_platform(node):
    command = node / "node_modules/.bin/incident-mcp"
    assert listed(command) == TOOLS
    assert subprocess.run([command, "no-such-command"], capture_output=True, check=False, env=environment()).returncode == 2


def test_the_npm_package_names_every_platform_and_runs_nothing_when_it_is_installed(node):
    about = json.loads((node / "node_modules/incident-mcp/package.json").read_text("utf-8"))
    platforms = {f"incident-mcp-{name}" for name in
                 ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64", "win32-arm64")}
    assert about["optionalDependencies"] == dict.fromkeys(platforms, VERSION)
    assert "scripts" not in about and about["mcpName"] == json.loads((ROOT / "server.json").read_text("utf-8"))["name"]


def test_without_its_platform_the_npm_package_says_what_to_do(node, tmp_path):
    shutil.copytree(node / "node_modules/incident-mcp", tmp_path / "incident-mcp")
    done = subprocess.run(["node", tmp_path / "incident-mcp/launch.js"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--omit=optional" in done.stderr


def test_signals_reach_the_program_through_the_npm_package(node):
    server = subprocess.Popen([node / "node_modules/.bin/incident-mcp", "serve", "--http", "127.0.0.1:0"],
                              stderr=subprocess.PIPE, text=True, env=environment())
    server.stderr.readline()
    server.terminate()
    assert server.wait(20) == 0


def test_the_bundle_has_its_program_and_a_valid_manifest(tmp_path):
    bundle = one("mcpb/*.mcpb")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
        about = json.loads(archive.read("manifest.json"))
    program = tmp_path / about["server"]["entry_point"]
    assert about["version"] == VERSION and about["compatibility"]["platforms"] == ["linux"]
    program.chmod(0o755)
    arguments = [argument.replace("${user_config.policy}", "all").replace("${user_config.mode}", "enforce")
                 for argument in about["server"]["mcp_config"]["args"]]
    assert listed(program, *arguments) == TOOLS


def test_server_json_is_valid_and_says_what_the_packages_say():
    server = json.loads((ROOT / "server.json").read_text("utf-8"))
    schema = json.loads((ROOT / "packaging/registry/server.schema.json").read_text("utf-8"))
    assert server["$schema"] == schema["$id"]
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(server)
    kinds = {package["registryType"]: package for package in server["packages"]}
    assert set(kinds) == {"pypi", "npm", "oci", "mcpb"}
    assert {kinds["pypi"]["version"], kinds["npm"]["version"], server["version"]} == {VERSION}
    assert kinds["oci"]["identifier"].endswith(f":{VERSION}")
    # By this the registry knows that the Python package is ours.
    assert f"mcp-name: {server['name']} " in (ROOT / "README.md").read_text("utf-8")


def test_completions_and_manual_pages_are_there(tmp_path):
    with tarfile.open(one("incident-mcp-*-manual.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    for name in ("bash", "zsh", "fish"):
        assert (tmp_path / "completions" / f"incident-mcp.{name}").stat().st_size > 1000
    pages = {path.name for path in (tmp_path / "man1").iterdir()}
    assert {"incident-mcp.1", "incident-mcp-serve.1", "incident-mcp-client-add.1"} <= pages
    said = subprocess.run(
        ["bash", "-c", f"source {tmp_path}/completions/incident-mcp.bash; COMP_WORDS=(incident-mcp gra); COMP_CWORD=1; "
                       '_incident__mcp incident-mcp gra incident-mcp; echo "${COMPREPLY[@]}"'],
        capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "grade"
