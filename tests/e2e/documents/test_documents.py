"""What the documents say: each command runs and prints what is shown, each file that is shown is well-formed, each link leads somewhere.

In a block without a language, a line after `$ ` is a command and what follows is its output: `[...]` alone on a line is any number of
lines, within a line any text. A block of `sh` holds commands that need what a test does not have (a client, a registry, a container);
of these, what is our own program's must parse. A block after a line that begins with a file's name in code is that file.
"""

import json
import os
import pty
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import termios
import time
import tomllib
import urllib.request
from pathlib import Path
from urllib.parse import unquote

import pytest

from program import PROGRAM, ROOT, environment

PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "packaging/README.md")]
    + [path for path in (ROOT / "docs").rglob("*.md")]
)
#: Longest run of a command, in seconds: never reached unless one hangs.
PATIENCE = 60
#: The terminal that commands print to, wide enough for the widest table.
WIDTH = 160
#: The addresses that the documents use. A run takes free ones in their place.
PORTS = ("7330", "7331")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`([\w./-]+\.\w+)`[^\n]*:\n\n\Z", re.MULTILINE)


def blocks(page: Path):
    """The blocks of a page: language, text, and the file that the line before names."""
    text = page.read_text("utf-8")
    for match in BLOCK.finditer(text):
        before = text[: match.start()]
        named = FILE.search(before[before.rfind("\n\n", 0, -2) + 2 :])
        yield match[1], match[2], named and named[1]


def commands(text: str):
    """The commands of a block and what each prints. A command goes on after a backslash."""
    found = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).lstrip()
            found.append((command, []))
        else:
            found[-1][1].append(line)
    return found


def pattern(expected: list[str]) -> str:
    parts = []
    for line in expected:
        if line.strip() == "[...]":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r".*?".join(re.escape(part) for part in line.split("[...]")) + r"\n")
    return "".join(parts)


class Folder:
    """The folder that a page's commands run in, with the servers that they start."""

    def __init__(self, path: Path):
        self.path = path
        self.servers = []
        for name in ("examples", "fixtures"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("logs", "__pycache__"))
        self.home = path / "home"
        self.home.mkdir()
        self.ports = {}
        for port in PORTS:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.ports[port] = str(free.getsockname()[1])

    def environment(self) -> dict[str, str]:
        control = f"http://127.0.0.1:{self.ports['7331']}"
        return environment() | {
            "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config"),
            "NO_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm", "INCIDENT_MCP_CONTROL_URL": control,
        }

    def run(self, command: str) -> str:
        """What a command prints on a terminal; what it says on standard error (progress, logs) is not shown."""
        for port, free in self.ports.items():
            command = command.replace(port, free)
        if command.endswith("&"):
            return self.serve(command[:-1])
        terminal, end = pty.openpty()
        termios.tcsetwinsize(end, (50, WIDTH))
        shell = subprocess.Popen(
            ["bash", "-c", command], cwd=self.path, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.DEVNULL,
        )
        os.close(end)
        read = b""
        until = time.monotonic() + PATIENCE
        while True:
            assert select.select([terminal], [], [], max(0, until - time.monotonic()))[0], f"{command!r} hangs"
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            read += part
        shell.wait()
        os.close(terminal)
        text = read.decode("utf-8").replace("\r\n", "\n")
        if text and not text.endswith("\n"):
            text += "\n"
        for port, free in self.ports.items():
            text = text.replace(free, port)
        return text

    def serve(self, command: str) -> str:
        self.servers.append(subprocess.Popen(
            shlex.split(command), cwd=self.path, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ))
        for _ in range(PATIENCE * 10):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.ports['7330']}/readyz", timeout=1).close()
                return ""
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"{command!r} does not answer")


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    yield made
    for server in made.servers:
        server.kill()
        server.wait()


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if "\n$ " in page.read_text("utf-8")], ids=name)
def test_commands_print_what_is_shown(page, folder):
    for language, text, file in blocks(page):
        if file:
            (folder.path / file).parent.mkdir(parents=True, exist_ok=True)
            (folder.path / file).write_text(text, "utf-8")
        if language or not text.startswith("$ "):
            continue
        for command, expected in commands(text):
            printed = folder.run(command)
            assert re.fullmatch(pattern(expected), printed), (
                f"{command}\n--- shown\n" + "\n".join(expected) + f"\n--- printed\n{printed}"
            )


def ours(line: str):
    """The calls of our program in a line of a shell, each as its arguments."""
    words = shlex.split(line, comments=True)
    if words[:1] == ["incident-mcp"]:
        yield [word for word in words[1:] if word != "&"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_not_run_parses(page):
    for language, text, _ in blocks(page):
        if not language and not text.startswith("$ "):
            assert not re.search(r"^incident-mcp", text, re.MULTILINE), f"say what this prints, or mark it as sh:\n{text}"
        if language == "json":
            json.loads(text)
        if language == "toml" and page.name == "clients.md":
            tomllib.loads(text)
        if language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                for arguments in ours(line):
                    done = subprocess.run([PROGRAM, *arguments, "--help"], capture_output=True, text=True, check=False,
                                          env=environment())
                    assert done.returncode == 0, f"{line}\n{done.stderr}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mdBook make them."""
    text = BLOCK.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", PAGES + [ROOT / "CHANGELOG.md", ROOT / "examples/README.md", ROOT / "fixtures/README.md"], ids=name
)
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text("utf-8"))
    book = page.is_relative_to(ROOT / "docs")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {target}"
        if book:
            assert target.is_relative_to(ROOT / "docs"), f"{link} leaves the book"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"


def test_the_book_has_every_page():
    shown = set(re.findall(r"\]\(([^)]+)\)", (ROOT / "docs/SUMMARY.md").read_text("utf-8")))
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} - {"SUMMARY.md"}
    assert shown == pages


def test_they_make_a_book_whose_links_lead_somewhere(tmp_path):
    mdbook = shutil.which("mdbook", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    done = subprocess.run([mdbook, "build", ROOT / "docs", "-d", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not re.search("WARN|ERROR", done.stdout + done.stderr), done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text("utf-8")
        for link in re.findall(r'(?:href|src)="([^"#]+)[^"]*"', text):
            if page.name != "404.html" and not re.match(r"[a-z]+:", link):
                assert (page.parent / unquote(link)).exists(), f"{page.relative_to(tmp_path)} refers to {link}"


def test_the_readme_is_read_in_five_minutes():
    assert len((ROOT / "README.md").read_bytes()) <= 8192
