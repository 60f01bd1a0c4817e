"""A real browser on a served library. Nothing is downloaded: the browser is Debian's, the modules are built here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from sherd.server.pages import is_built
from tests.server.museum import app_of, make_library, served
from tests.server.painted import make_painted

CHROMIUM = os.environ.get("SHERD_CHROMIUM") or shutil.which("chromium") or ""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. It is closed with this package: while it runs, no other test can run a loop of its own."""
    if not CHROMIUM:
        pytest.skip("no browser: `apt-get install chromium`, or name one in SHERD_CHROMIUM")
    if not is_built():
        pytest.skip("the page's modules are not built: `make web` builds them")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a museum of 16 records."""
    with served(app_of(make_library(tmp_path_factory.mktemp("browsed")))) as address:
        yield address


@pytest.fixture(scope="package")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a museum with a thesaurus, and its library."""
    library = make_painted(tmp_path_factory.mktemp("painted"))
    with served(app_of(library)) as address:
        yield address, library


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """A window of its own; what goes wrong in it makes the test fail."""
    context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        asked_for = any(f"status of {status}" in message.text for status in (404, 415, 507))
        if message.type in ("error", "warning") and not asked_for:
            wrong.append(message.text)

    def thrown(error: Error) -> None:
        wrong.append(f"{error} {error.stack}")

    def opened(page: Page) -> None:
        page.on("console", heard)
        page.on("pageerror", thrown)

    context.on("page", opened)
    yield context
    context.close()
    assert not wrong


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A purple picture."""
    from PIL import Image

    from tests.search.memory import plain

    file = tmp_path / "purple.png"
    Image.fromarray(plain("purple")).save(file)
    return file
