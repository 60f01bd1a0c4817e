"""The wheel, installed into an empty environment, serves the page with its modules."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.server.museum import make_library

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_serves_the_page(browser: Browser, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", str(ROOT), "--no-deps", "--wheel-dir", str(tmp_path)], check=True)
    (wheel,) = tmp_path.glob("sherd-*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    for name in ("built/page.js", "built/page.css", "built/licences.md", "sherd.css"):
        assert f"sherd/server/static/{name}" in names
    assert any(re.search(r"built/later/viewer-.*\.js$", name) for name in names)
    assert not any("node_modules" in name for name in names)
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    own = [str(home / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*own, "install", "-c", str(ROOT / "constraints.txt"), f"{wheel}[server,exports]"], check=True)
    library = make_library(tmp_path / "museum")
    command = [str(home / "bin/sherd"), "serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path) as server:
        try:
            assert server.stdout is not None
            address = next(found[0] for line in server.stdout if (found := re.search(r"http://[\w.]+:\d+", line)))
            page = browser.new_context(base_url=address).new_page()
            page.goto("/?text=red")
            expect(page.locator("[data-hit] h3").first).to_have_text("red bowl")
            page.locator("[data-draw]").first.click()
            expect(page.locator("svg.a9s-annotationlayer")).to_be_visible()
            page.context.close()
        finally:
            server.terminate()
            server.wait(30)
