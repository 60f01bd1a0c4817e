"""Pages of other sites in a real browser: those of this machine read and show what is for viewers, others nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

PAGE = """<!doctype html><meta charset="utf-8"><iframe src="{site}/reconcile/zh/preview?id=urn:sherd:taotie"></iframe>
<script>
async function look(told, work) {{
  try {{ told.push(await work()); }} catch (error) {{ told.push("no"); }}
}}
(async () => {{
  const told = [], site = "{site}", read = async (address, more) => (await fetch(address, more)).json();
  const queries = new URLSearchParams({{queries: JSON.stringify({{q: {{query: "taotie"}}}})}});
  let first;
  await look(told, async () => (first = (await read(site + "/iiif/collection")).items[0]).type);
  await look(told, async () => (await read(site + "/reconcile", {{method: "POST", body: queries}})).q.result[0].id);
  await look(told, async () => {{
    const picture = new Image();
    picture.src = "{picture}";
    await picture.decode();
    return "shown";
  }});
  await look(told, async () => (await read(site + "/api/v1/records")).total);
  document.title = told.join(" ");
}})();
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port and folder of another web server of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_pages_of_this_machine_read_and_only_what_is_for_viewers(
    browser: Browser, painted: tuple[str, Path], other: tuple[int, Path]
) -> None:
    site, library = painted
    port, folder = other
    sha256 = next((library / "thumbnails").glob("*/*.jpg")).stem
    picture = f"{site}/iiif/image/{sha256}/full/!100,100/0/default.jpg"
    (folder / "index.html").write_text(PAGE.format(site=site, picture=picture), "utf-8")
    for host, told, framed in (
        ("127.0.0.1", "Manifest urn:sherd:taotie shown no", True), ("evil.localhost", "no no no no", False),
    ):  # fmt: skip
        page = browser.new_page()
        page.goto(f"http://{host}:{port}/")
        expect(page).to_have_title(told)
        assert ("饕餮纹" in (page.frames[1].text_content("body") or "")) == framed
        page.close()
