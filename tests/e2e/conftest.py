"""What the end-to-end tests share: an event loop, and servers that end with their test."""

import pytest

from server import Server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def serve():
    """Start a server with those options; it is killed when the test is over, if it has not ended by then."""
    servers = []

    def start(*arguments: str, **more) -> Server:
        servers.append(Server(*arguments, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def shared():
    """A server of the module, whose default episode any test may use."""
    server = Server()
    yield server
    server.kill()
