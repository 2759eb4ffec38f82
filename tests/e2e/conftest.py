"""What the end-to-end tests share: the program under test, and an event loop."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
