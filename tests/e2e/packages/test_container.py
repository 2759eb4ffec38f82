"""The container image: what its configuration says, and its program in its own root file system, as an engine would run it."""

import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from program import ROOT, environment
from test_packages import PACKAGES, TOOLS, VERSION

pytestmark = pytest.mark.skipif(not shutil.which("buildah"), reason="images are built with buildah, which is not here")

#: How long a server may take until it takes requests, in seconds.
PATIENCE = 20


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> tuple[dict, Path]:
    """The image's configuration, and its root file system."""
    [archive] = PACKAGES.glob(f"incident-mcp-{VERSION}-linux-*.tar")
    folder = tmp_path_factory.mktemp("image")
    root = folder / "root"
    root.mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    [about] = json.loads((folder / "manifest.json").read_text("utf-8"))
    [tag] = about["RepoTags"]
    assert tag.endswith(f"/incident-mcp:{VERSION}")
    for layer in about["Layers"]:
        with tarfile.open(folder / layer) as tar:
            tar.extractall(root, filter="tar", numeric_owner=True)
    return json.loads((folder / about["Config"]).read_text("utf-8"))["config"], root


def test_it_runs_as_nobody_and_says_what_it_is(image):
    config, _ = image
    server = json.loads((ROOT / "server.json").read_text("utf-8"))
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/incident-mcp", "serve", "--http", "0.0.0.0:7330"]
    assert list(config["ExposedPorts"]) == ["7330/tcp"] and list(config["Volumes"]) == ["/state"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/incident-mcp", "health", "http://127.0.0.1:7330"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.source"] == server["repository"]["url"]
    assert labels["io.modelcontextprotocol.server.name"] == server["name"]


def test_it_holds_the_program_and_nothing_else(image):
    _, root = image
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {"incident-mcp", "LICENSE", "usr/share/sbom/incident-mcp.cdx.json"}
    bill = json.loads((root / "usr/share/sbom/incident-mcp.cdx.json").read_text("utf-8"))
    assert bill["bomFormat"] == "CycloneDX" and len(bill["components"]) > 100
    assert not any(path.stat().st_mode & 0o6000 for path in root.rglob("*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a root file system is changed by root only")
def test_it_serves_read_only_as_its_user_and_says_that_it_is_well(image):
    config, root = image
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    entry = [word.replace("0.0.0.0:7330", f"127.0.0.1:{port}") for word in config["Entrypoint"]]
    within = ["chroot", f"--userspec={config['User']}", str(root)]
    # Its root, and nothing below it but the program's own volume, can be written.
    alone = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && mount -t tmpfs -o uid=65532,mode=700 state "$0/state" && exec "$@"'
    server = subprocess.Popen(["unshare", "--mount", "sh", "-c", alone, root, *within, *entry, "--state", "/state"],
                              stderr=subprocess.PIPE, env=environment())
    try:
        ask = [*within, "/incident-mcp", *[word.replace("7330", str(port)) for word in config["Healthcheck"]["Test"][2:]]]
        until = time.monotonic() + PATIENCE
        while (asked := subprocess.run(ask, capture_output=True, check=False, env=environment())).returncode:
            assert server.poll() is None and time.monotonic() < until, asked.stderr
            time.sleep(0.1)
        listed = subprocess.run(
            ["curl", "-s", f"http://127.0.0.1:{port}/mcp", "-H", "Content-Type: application/json",
             "-H", "Accept: application/json, text/event-stream",
             "-d", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                 "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "image", "version": "1"}}})],
            capture_output=True, text=True, check=True)
        assert '"name":"incident-mcp"' in listed.stdout and TOOLS, listed.stdout
    finally:
        server.terminate()
        assert server.wait(PATIENCE) == 0
    assert subprocess.run(ask, capture_output=True, check=False, env=environment()).returncode == 1
