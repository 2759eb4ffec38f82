"""The page of a report, as people use it: read, filtered, searched, linked to, worked by keys, narrow, dark, printed."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from conftest import NARROW, WIDE
from program import ROOT

#: Finds what keeps people out of a page: too little contrast, what has no name, a wrong role.
AXE = (ROOT / "tests" / "e2e" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

#: Kept for people to look at; git ignores them.
SHOTS = Path(__file__).parent / "screenshots"

#: The address of everything that a page can show.
VIEWS = [
    ("replay", ""),
    ("replay", "#trace/1"),
    ("replay", "#trace/2"),
    ("replay", "#trace/3"),
    ("grade", ""),
    ("grade", "#trace/2"),
    ("lint", ""),
    ("lint", "#trace/1"),
    ("large", ""),
    ("program", ""),
    ("program", "#trace/3"),
]


def rows(page):
    return page.locator("#list > li")


#: Each theme and each width with each view, though not all with all: they have nothing to do with each other.
LOOKS = [("light", WIDE), ("dark", NARROW)]


@pytest.mark.parametrize(("theme", "size"), LOOKS, ids=["light-wide", "dark-narrow"])
@pytest.mark.parametrize(("name", "address"), VIEWS)
def test_every_view_can_be_looked_at(visit, name, address, theme, size):
    page = visit(name, address, size, theme)
    expect(page.locator("main h1")).to_be_visible()
    # Nothing is wider than the window.
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    assert [(it["id"], [node["html"][:120] for node in it["nodes"][:3]]) for it in found] == []
    SHOTS.mkdir(exist_ok=True)
    view = f"{name}{address.replace('#', '-').replace('/', '-')}-{theme}-{size['width']}"
    shot = page.screenshot(path=SHOTS / f"{view}.png", full_page=name != "large")
    page.goto("about:blank")
    assert len(shot) > 4 * len(page.screenshot()), f"{view} is all but blank"


def test_the_run_is_told_in_numbers(visit):
    page = visit("grade")
    expect(page).to_have_title("Grade: 3 of 5 passed")
    expect(page.locator("main h1")).to_have_text("Grade: 3 of 5 traces passed")
    expect(page.get_by_role("img", name="pass^1 0.389, pass^2 0.111")).to_be_visible()
    expect(page.get_by_role("group", name="Tasks", exact=True)).to_contain_text("1 of 2")


def test_a_baseline_is_told(visit):
    page = visit("grade")
    expect(page.get_by_role("heading", name="Under the other edition of the policy")).to_contain_text("no regression")
    expect(page.locator("main")).to_contain_text("pass^1 was 0.500 and is 0.750: +0.250 over 2 tasks.")
    better = page.get_by_role("group", name="Tasks that pass more often")
    expect(better.locator("tbody tr")).to_have_text(["escalate0 of 22 of 2flipped"])
    expect(page.get_by_role("group", name="Verdicts that move")).to_contain_text("fail: state")
    expect(page.get_by_role("group", name="Per trial")).to_contain_text("1,200.5")


def test_a_trace_tells_what_went_wrong(visit):
    page = visit("grade", "#trace/2")
    difference = page.get_by_role("group", name="Final state against gold")
    expect(difference.locator("tbody tr").first).to_have_text("incidents27statusclosedresolved")
    verdict = page.get_by_role("region", name="Verdict")
    for part in ["Never told", "Rules broken", "Reads left out", "never written", "made again after a halt", "Roles never held"]:
        expect(verdict).to_contain_text(part)
    halted = page.locator("#call-4")
    for part in ["INCIDENT_NOT_CLOSED", "metric.incident-closed", "clause metric.2", "Incident 27 is in_progress", "Pick a closed"]:
        expect(halted.locator(".halt")).to_contain_text(part)
    expect(page.locator("#call-2 table")).to_contain_text("in_progressresolved")


def test_what_was_recorded_is_text_and_nothing_else(visit):
    page = visit("replay", "#trace/2")
    expect(page.locator("#call-1 .inside")).to_contain_text("</script><img src=x onerror=alert(1)>")
    assert page.locator("img").count() == 0


def test_long_answers_are_cut_and_folded(visit):
    page = visit("replay", "#trace/2")
    call = page.locator("#call-2")
    call.locator("summary").click()
    answer = call.locator(".block", has_text="Answer")
    expect(answer).to_contain_text("Cut: the first")
    answer.get_by_role("button", name="Show all").click()
    expect(answer.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")


def test_the_list_is_filtered_and_searched(visit):
    page = visit("replay")
    expect(rows(page)).to_have_count(3)
    page.locator("#status").select_option("bad")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 of 3 traces")
    page.get_by_role("button", name="Clear filters").click()
    for label, choice, left in [("#policy", "it-incident-management", 1), ("#rule", "metric.incident-closed", 2), ("#tool", "log_metric", 1)]:
        page.locator(label).select_option(choice)
        expect(rows(page)).to_have_count(left)
        page.locator(label).select_option("")
    page.get_by_label("Search traces").fill("fetch_vendor gpt")
    expect(rows(page)).to_have_count(1)
    # What is chosen is in the address, and a chart chooses too.
    assert page.url.endswith("#?q=fetch_vendor+gpt")
    page.get_by_role("link", name="metric.incident-closed").click()
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#rule")).to_have_value("metric.incident-closed")


def test_addresses_lead_to_traces_and_calls(visit):
    page = visit("replay", "#trace/1/call/3")
    expect(page.locator("main h1")).to_contain_text("close-and-measure")
    expect(page.locator("#call-3")).to_have_attribute("open", "")
    expect(page.locator("#call-3 > summary")).to_be_focused()
    page.get_by_role("link", name="Next →").click()
    assert page.url.endswith("#trace/2")
    page.go_back()
    expect(page.locator("main h1")).to_contain_text("close-and-measure")
    # An address that names nothing shows the run.
    assert visit("replay", "#trace/99").locator("main h1").inner_text().startswith("Replay:")
    assert visit("replay", "#%E0%A4%A").locator("main h1").inner_text().startswith("Replay:")
    filtered = visit("replay", "#?status=bad")
    expect(rows(filtered)).to_have_count(1)


def test_keys_do_what_the_mouse_does(visit):
    page = visit("replay")
    press = page.keyboard.press
    press("j")
    press("j")
    expect(page.locator('[data-trace="2"]')).to_be_focused()
    press("k")
    press("Enter")
    expect(page.locator("main h1")).to_contain_text("close-and-measure")
    press("j")
    press("j")
    expect(page.locator("#call-2 > summary")).to_be_focused()
    assert page.url.endswith("#trace/1/call/2")
    press("ArrowRight")
    expect(page.locator("main h1")).to_contain_text("odd characters")
    press("x")
    expect(page.locator("#call-2")).to_have_attribute("open", "")
    press("/")
    expect(page.get_by_label("Search traces")).to_be_focused()
    page.keyboard.type("task-17")
    expect(rows(page)).to_have_count(1)
    press("Escape")
    expect(rows(page)).to_have_count(3)
    press("Escape")
    expect(page.locator("main h1")).to_contain_text("Replay:")
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_colours_can_be_chosen(visit):
    page = visit("replay")
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = ground()
    button = page.locator("#theme")
    button.click()
    assert ground() == light
    button.click()
    assert ground() != light
    # The choice is remembered.
    page.reload()
    assert ground() != light
    assert visit("replay", theme="dark").evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_long_run_is_listed_as_it_is_needed(visit):
    page = visit("large")
    expect(page.locator("#count")).to_have_text("2,000 traces")
    made = rows(page).count()
    assert made <= 300, "rows are made as they are needed"
    page.locator("#more").scroll_into_view_if_needed()
    page.wait_for_function("made => document.querySelectorAll('#list > li').length > made", arg=made)
    # A trace far down is found at once, by its address and by search.
    page.evaluate("location.hash = '#trace/1990'")
    expect(page.locator("main h1")).to_contain_text("trace-1989")
    expect(page.locator('[data-trace="1990"]')).to_have_attribute("aria-current", "page")
    page.get_by_label("Search traces").fill("trace-0777")
    expect(rows(page)).to_have_count(1)


def test_a_narrow_window_shows_one_thing_at_a_time(visit):
    page = visit("replay", size=NARROW)
    expect(page.locator("#list")).to_be_visible()
    rows(page).first.locator("a").click()
    expect(page.locator("#list")).to_be_hidden()
    page.get_by_role("link", name="← Run").click()
    expect(page.locator("#list")).to_be_visible()


def test_a_trace_can_be_printed(visit):
    page = visit("grade", "#trace/2")
    SHOTS.mkdir(exist_ok=True)
    assert len(page.pdf(path=SHOTS / "grade-trace-2.pdf")) > 10_000
    page.emulate_media(media="print")
    expect(page.locator("#side")).to_be_hidden()
    expect(page.locator("main h1")).to_be_visible()
