"""The program as a server over HTTP, and the raw requests that tests send it.

Raw, since what is tested is what the server does when a client is not as an SDK would have it.
"""

import http.client
import json
import re
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from program import PROGRAM, environment

#: Longest wait for anything, in seconds: never reached unless a test fails.
PATIENCE = 60

#: What a client of 2026-07-28 says in each request, having no session.
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
}
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@dataclass
class Answer:
    """One answer over HTTP, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    def events(self) -> list[dict]:
        """The messages of an answer that is a stream of events."""
        assert self.headers.get_content_type() == "text/event-stream", self.body
        data = (line[5:] for line in self.body.splitlines() if line.startswith(b"data:"))
        return [json.loads(text) for text in data if text.strip()]

    @classmethod
    def of(cls, response: http.client.HTTPResponse) -> "Answer":
        return cls(response.status, response.headers, response.read())


def plain(tool: str, arguments: dict, number=1, **meta) -> dict:
    """A call as a client with a session sends it; further words go into its metadata."""
    params = {"name": tool, "arguments": arguments} | ({"_meta": meta} if meta else {})
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def message(tool: str, arguments: dict, number=1, **meta) -> dict:
    """A call as a client of 2026-07-28 sends it, which has no session."""
    return plain(tool, arguments, number, **META, **meta)


def initialize(revision: str) -> dict:
    """What a session begins with."""
    client = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    return {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client}


def headers_of(body: dict) -> dict[str, str]:
    """The headers that such a client repeats its request in."""
    params = body.get("params", {})
    named = {"Mcp-Name": params["name"]} if "name" in params else {}
    return ACCEPT | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": body["method"]} | named


@dataclass
class HalfSent:
    """A request but for its body."""

    connection: socket.socket
    body: bytes

    def finish(self) -> Answer:
        self.connection.sendall(self.body)
        return self.answer()

    def answer(self) -> Answer:
        return read_answer(self.connection)


class Server:
    """A running server on free ports. What it logs is collected as it comes."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment() | (env or {}),
            text=True,
        )
        self.lines: list[str] = []
        self.over = False
        self.logged = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(self.log_line(r"listening on http://127\.0\.0\.1:(\d+)/mcp")[1])
        self.control_port = int(self.log_line(r"control plane on http://127\.0\.0\.1:(\d+)")[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.control_url = f"http://127.0.0.1:{self.control_port}"

    def _read(self):
        for line in self.process.stderr:
            with self.logged:
                self.lines.append(line)
                self.logged.notify_all()
        with self.logged:
            self.over = True
            self.logged.notify_all()

    def log_line(self, pattern: str) -> re.Match:
        """Wait for a line like that; fail if the program ends without one."""

        def found() -> re.Match | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        with self.logged:
            self.logged.wait_for(lambda: found() or self.over, PATIENCE)
            assert found(), f"no line has {pattern}:\n{self.log}"
            return found()

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def connection(self, port: int | None = None) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)

    def ask(self, method: str, path: str, body=None, headers=None, port: int | None = None) -> Answer:
        """One request on a connection of its own. A body that is not bytes is sent as JSON."""
        connection = self.connection(port)
        try:
            body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, body, headers or {})
            return Answer.of(connection.getresponse())
        finally:
            connection.close()

    def post(self, body: dict, path: str = "/mcp", **headers: str) -> Answer:
        """One message of a client of 2026-07-28."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, headers_of(body) | more)

    def call(self, tool: str, arguments: dict, path: str = "/mcp", **headers: str) -> dict:
        """What a call answers: its structure, a halt's too."""
        answer = self.post(message(tool, arguments), path, **headers)
        assert answer.status == 200, answer
        return answer.json()["result"]["structuredContent"]

    def control(self, method: str, path: str, body=None) -> Answer:
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.ask(method, path, body, headers, self.control_port)

    def create(self, **settings) -> str:
        """A new episode's name."""
        answer = self.control("POST", "/episodes", settings)
        assert answer.status == 201, answer
        return answer.json()["id"]

    def journal(self, episode: str = "default") -> list[dict]:
        return self.control("GET", f"/episodes/{episode}/journal").json()["calls"]

    @contextmanager
    def raw(self):
        """A bare connection, and what reads from it."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        with connection, connection.makefile("rb") as reader:
            yield connection, reader

    @contextmanager
    def half_sent(self, body: dict, path: str = "/mcp"):
        """A request that the server has accepted and whose body it waits for."""
        text = json.dumps(body).encode()
        head = {"Host": "localhost", "Content-Length": str(len(text)), "Expect": "100-continue"} | headers_of(body)
        with self.raw() as (connection, reader):
            connection.sendall(head_of("POST", path, head))
            # The server asks for the body when it reads it, behind everything that could refuse the request.
            assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert reader.readline() == b"\r\n"
            yield HalfSent(connection, text)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.log_line("answering what was accepted")

    def ended(self) -> int:
        """The exit code, once the process has ended by itself."""
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        assert "panicked" not in self.log, self.log
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE)
        self.process.stderr.close()


def head_of(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_answer(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer.of(response)


def read_pipelined(reader) -> Answer:
    """The next of several answers on one connection."""

    class Connection:
        def makefile(self, *_):
            return Unclosed()

    class Unclosed:
        def __getattr__(self, name):
            return getattr(reader, name)

        def close(self):
            pass

    return read_answer(Connection())


class Sse:
    """A client of the old HTTP+SSE transport: a stream down, POSTs up."""

    def __init__(self, server: Server, base: str = "", handshake: bool = True):
        self.server = server
        self.connection = server.connection()
        self.connection.request("GET", f"{base}/sse", headers={"Accept": "text/event-stream"})
        self.stream = self.connection.getresponse()
        assert self.stream.status == 200, self.stream.read()
        name, self.address = self.event()
        assert name == "endpoint"
        if handshake:
            self.send(initialize("2024-11-05"))
            assert self.message()["result"]["protocolVersion"] == "2024-11-05"
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def event(self) -> tuple[str, str] | None:
        """The next event's name and data; nothing at the end of the stream."""
        name, data = "message", []
        while line := self.stream.readline():
            line = line.rstrip(b"\r\n").decode()
            if not line and data:
                return name, "\n".join(data)
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
        return None

    def message(self) -> dict | None:
        event = self.event()
        return None if event is None else json.loads(event[1])

    def messages(self):
        """All messages up to the end of the stream."""
        return iter(self.message, None)

    def send(self, body: dict) -> None:
        answer = self.server.ask("POST", self.address, body, {"Content-Type": "application/json"})
        assert answer.status == 202, answer

    def close(self) -> None:
        # The response holds the socket too.
        self.stream.close()
        self.connection.close()


def session(server: Server, path: str = "/mcp") -> dict[str, str]:
    """The headers of a new session of a client of 2025-11-25."""
    begun = server.ask("POST", path, initialize("2025-11-25"), ACCEPT)
    assert begun.status == 200, begun
    headers = ACCEPT | {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    told = server.ask("POST", path, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    assert told.status == 202, told
    return headers
