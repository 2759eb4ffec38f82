"""A browser, and pages in it that complain about nothing and ask for nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from program import PROGRAM, ROOT

#: Where `cargo test --test it report::pages` writes the pages.
PAGES = Path(os.environ.get("REPORT_PAGES", ROOT / "target" / "tmp"))

#: A browser of the system is taken first, then the one that Playwright installs.
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 380, "height": 800}


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def written():
    """Beside the pages of the tests in Rust, one that the program itself writes."""
    grade = ["grade", "examples/grading/trials.json", "--against", "examples/grading/tasks.json", "--quiet"]
    ran = subprocess.run([PROGRAM, *grade, "--html", PAGES / "report-program.html"], cwd=ROOT)
    assert ran.returncode == 3


@pytest.fixture
def visit(chromium, written):
    """Open a report's page at an address within it. When the test is over, nothing was complained about or asked for."""
    contexts, complaints, requests = [], [], []

    def visit(name: str, address: str = "", size=WIDE, theme="light"):
        context = chromium.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        uri = (PAGES / f"report-{name}.html").resolve().as_uri()
        page.on("request", lambda request: None if request.url.split("#")[0] == uri else requests.append(request.url))
        page.goto(uri + address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == []
