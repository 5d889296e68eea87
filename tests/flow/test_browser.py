"""What a person sees: the real UI on a finished demo, in a real Chromium. The lineage picture stands in the README."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.flow.command_line import SCRIPT, environment
from tests.flow.conftest import Walked

GROUPS = ("raw", "core", "features", "graph", "models", "operations")
SECTIONS = ("list", "gate", "models", "edge", "champions", "why", "importance", "backtest", "training", "data")
SECONDS = 180
DESK = {"width": 1600, "height": 900}

pytestmark = pytest.mark.browser


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no Chromium on this machine: install it (Debian: apt-get install chromium) and run again"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def place(tiny: Walked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder in which the tiny demo has run, so that others find theirs untouched."""
    assert tiny.said.code == 0, tiny.said.err
    folder = tmp_path_factory.mktemp("ui")
    shutil.copytree(tiny.folder / ".gogoku", folder / ".gogoku")
    return folder


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    """The UI on that folder; stopped by its process group and confirmed gone."""
    port = free_port()
    log = (place / "ui.log").open("w")
    server = subprocess.Popen(
        [SCRIPT, "ui", "--port", str(port)],
        cwd=place,
        env=environment(place),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_location(url, server, place / "ui.log")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(timeout=60)
        log.close()
        assert not still_running(place), "something outlived `gogoku ui`"


def still_running(place: Path) -> list[str]:
    """Processes that were started for a folder and are still there."""
    mine = f"DAGSTER_HOME={place}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mine in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_for_location(url: str, server: subprocess.Popen, log: Path) -> None:
    question = b'{"query": "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"}'
    request = urllib.request.Request(f"{url}/graphql", question, {"Content-Type": "application/json"})
    for _ in range(SECONDS):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if b'"LOADED"' in answer.read():
                    return
        except OSError:
            pass
        time.sleep(1)
    raise AssertionError(f"the UI did not load within {SECONDS} s: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        window = browser.new_page(viewport=DESK)
        window.set_default_timeout(60_000)
        yield window
        browser.close()


def test_the_lineage_shows_every_group(address: str, page: Page, place: Path) -> None:
    page.goto(f"{address}/asset-groups", wait_until="load")
    for group in GROUPS:
        page.get_by_text(group, exact=True).first.wait_for()
    page.wait_for_timeout(3000)
    shot = place / "lineage.png"
    page.screenshot(path=shot)
    assert shot.stat().st_size > 20_000, "an empty page is not a lineage"


def test_an_assets_page_shows_its_description_checks_and_a_plot(address: str, page: Page, place: Path) -> None:
    page.goto(f"{address}/assets/eval__gate?view=overview", wait_until="load")
    page.get_by_text("One criterion of the gate").first.wait_for()
    page.goto(f"{address}/assets/eval__gate?view=checks", wait_until="load")
    page.get_by_text("promotes").first.wait_for()
    tonight = json.loads((place / ".gogoku/demo/demo.json").read_text())["end"]
    page.goto(f"{address}/assets/eval__gate?view=partitions&partition={tonight}", wait_until="load")
    row = page.locator("tr", has_text="rank_ic").first
    row.get_by_text("Show Markdown").first.click()
    picture = page.locator("img[src^='data:image/png']").first
    picture.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=place / "asset.png")
    assert picture.bounding_box()["width"] > 100, "the plot is not drawn"


def test_the_page_of_the_backtest_shows_its_checks_figures_and_curve(address: str, page: Page, place: Path) -> None:
    page.goto(f"{address}/assets/eval__backtest?view=checks", wait_until="load")
    for check in ("accounts_add_up", "trades_happen", "believable"):
        page.get_by_text(check).first.wait_for()
    page.goto(f"{address}/assets/eval__backtest?view=events", wait_until="load")
    page.locator("tr", has_text="figures").first.get_by_text("long-short").first.wait_for()
    page.locator("tr", has_text="equity").first.get_by_text("Show Markdown").first.click()
    page.locator("img[src^='data:image/png']").first.wait_for()
    page.screenshot(path=place / "backtest.png")


def test_the_page_of_explanations_shows_three_stocks_and_what_models_live_on(address: str, page: Page) -> None:
    page.goto(f"{address}/assets/pred__explained?view=events", wait_until="load")
    page.get_by_text("rank 1:").first.wait_for()
    page.locator("tr", has_text="importance").first.get_by_text("atft_gat_fan").first.wait_for()
    page.locator("tr", has_text="groups").first.get_by_text("Show Markdown").first.click()
    page.locator("img[src^='data:image/png']").first.wait_for()


def test_the_evening_page_is_whole_and_fits_a_desk_and_a_telephone(page: Page, place: Path) -> None:
    (report,) = (place / ".gogoku" / "demo").glob("*/data/reports/*/*.html")
    page.goto(report.as_uri(), wait_until="load")
    for section in SECTIONS:
        page.locator(f"#{section}").wait_for()
    drawn = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(drawn) > 8 and min(drawn) > 300
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"the page is wider than {width} pixels"
        cut = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
        assert width == 390 or page.evaluate(cut) == 0, "a table is cut at the right on a desk"
    page.set_viewport_size(DESK)
    page.screenshot(path=place / "report.png", full_page=True)
