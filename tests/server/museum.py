"""A small library through the whole ingest, with the toy encoder, and servers over it."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.server.app import create_app
from sherd.server.running import Protocol
from sherd.server.settings import ServerSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from tests.search.memory import COLOURS, plain, quarters

NAMES = sorted(COLOURS)


def make_described(folder: Path) -> Path:
    """The library of `make_library` with Sherd's own thesaurus."""
    library = make_library(folder)
    with Library.open(library) as there, there.writer():
        import_thesaurus(there.catalogue.database, builtin_thesaurus(), name="urn:sherd:")
    return library


def make_library(
    folder: Path, rows: list[dict[str, str]] | None = None, paint: Callable[[Path], None] = lambda source: None
) -> Path:
    """A library of 16 records: eight of one colour, R-red and so on, and eight of four colours, M-0 and so on.

    Args:
        rows: other records. paint: puts other pictures into the folder of the source.
    """
    source, library = folder / "source", folder / "library"
    source.mkdir(parents=True)
    if rows is None:
        rows = []
        for name in NAMES:
            Image.fromarray(plain(name)).save(source / f"{name}.png")
            rows.append({"id": f"R/{name}", "image": f"{name}.png", "title": f"{name} bowl", "culture": "Tang"})
        rng = np.random.default_rng(0)
        for n in range(8):
            Image.fromarray(quarters(*rng.choice(NAMES, 4).tolist())).save(source / f"m{n}.png")
            rows.append({"id": f"M-{n}", "image": f"m{n}.png", "title": f"碗 mixed {n}", "culture": "Song"})
    else:
        for n, row in enumerate(rows):
            Image.fromarray(plain(NAMES[n % len(NAMES)])).save(source / row["image"])
    paint(source)
    with (source / "records.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with Library.open(library, create=True) as there, there.writer(), DecoderPool(1) as pool:
        Ingest(there, open_source(source, source / "records.csv"), ToyEncoder(), pool, encoder_name="toy").run()
    return library


def app_of(library: Path, **settings: object) -> FastAPI:
    """The server of a library, with other settings than usual."""
    return create_app(library, ServerSettings(**settings))  # type: ignore[arg-type]


@contextmanager
def client_of(app: FastAPI, token: str = "", **headers: str) -> Iterator[TestClient]:
    """A client of a running application, as a program on this machine is one."""
    given = headers | ({"Authorization": f"Bearer {token}"} if token else {})
    with TestClient(app, base_url="http://127.0.0.1", headers=given, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a real socket. Gives its address."""
    config = uvicorn.Config(app, "127.0.0.1", 0, log_level="critical", http=Protocol, ws="none", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            threading.Event().wait(0.02)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"


def as_query(**form: object) -> dict[str, str]:
    """Parameters with a query in them."""
    return {"q": json.dumps(form, ensure_ascii=False)}
