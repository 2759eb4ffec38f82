"""A page of this machine as a client, as MCP Inspector is one: it begins a session, calls, and reads a stream."""

import http.server
import threading

import pytest

from program import METRIC
from server import initialize, plain

#: What such a page does; it is given the server's address and the messages.
CLIENT = """async ([address, begin, call]) => {
  const headers = {"Content-Type": "application/json", Accept: "application/json, text/event-stream"};
  const post = (message, more) =>
    fetch(address, {method: "POST", headers: {...headers, ...more}, body: JSON.stringify(message)});
  const messages = text => text.split("\\n").filter(line => line.startsWith("data: {")).map(line => JSON.parse(line.slice(6)));
  const begun = await post(begin);
  const session = {"Mcp-Session-Id": begun.headers.get("mcp-session-id"), "MCP-Protocol-Version": "2025-11-25"};
  await begun.text();
  const answered = messages(await (await post(call, session)).text());
  // A browser that keeps what it gets from an address sends a DELETE that follows a broken stream twice.
  const plain = {headers: {...session, Accept: "text/event-stream"}, cache: "no-store"};
  const listening = new AbortController();
  const stream = await fetch(address, {...plain, signal: listening.signal});
  const kind = stream.headers.get("content-type");
  listening.abort();
  const ended = await fetch(address, {...plain, method: "DELETE"});
  const again = await post(call, session);
  return {session: session["Mcp-Session-Id"], answer: answered.at(-1), kind, ended: ended.status, again: await again.json()};
}"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A server of pages, as the Inspector has one."""
    folder = str(tmp_path_factory.mktemp("pages"))

    class Pages(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            pass

    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    yield f"http://localhost:{pages.server_port}"
    pages.shutdown()


def test_a_page_of_this_machine_can_be_a_client(chromium, shared, origin):
    page = chromium.new_page()
    page.goto(f"{origin}/")
    address = f"{shared.url}/e/{shared.create()}/mcp"
    did = page.evaluate(CLIENT, [address, initialize("2025-11-25"), plain("log_metric", METRIC)])
    assert did["session"], "the page can read its session's id"
    assert did["answer"]["result"]["structuredContent"]["metric_id"] == "28"
    assert (did["kind"], did["ended"]) == ("text/event-stream", 204)
    assert did["again"]["error"]["data"]["code"] == "SESSION_NOT_FOUND"
    page.close()
