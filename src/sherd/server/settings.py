"""Everything that can be turned in the server, in one place."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

from sherd.errors import InvalidArgument

_MIB = 1024 * 1024
_ON_THE_WEB = re.compile(r"https?://[^\s/?#@]+/(?:[^\s?#]*/)?")


@dataclass(frozen=True, slots=True)
class Room:
    """Of one class of requests: so many are worked on at once, and so many more may wait; 1 or more, 0 or more."""

    running: int
    waiting: int

    def __post_init__(self) -> None:
        if self.running < 1 or self.waiting < 0:
            raise InvalidArgument(f"room for {self.running} running and {self.waiting} waiting requests is none")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits and sizes of the server.

    host: where it listens. It is known by address; `names` are further names that a browser may call it by.
    tokens_required: whether every request but those of health needs a token.
    open_reading: whether everybody may search and look without a token, in a server that else needs one.
    max_body_bytes: of a request that is no upload; max_upload_bytes: of an uploaded picture with its envelope.
    max_pixels: width x height of an uploaded picture, checked before it is decoded.
    max_address_bytes: of path and query; max_header_bytes: of all headers together.
    body_idle_s, body_total_s: how long the sender of a body may pause, and take in all.
    wait_s: who would have to wait longer for room, by what the last ones took, is told at once to come later.
    deadline_s: what has waited so long is not begun any more.
    interactive, write, bulk, files, streams: room for searches and reading, for decisions, for uploads and jobs, for
        thumbnails and the page's own files, and for streams of progress.
    per_client: requests of one class that one client may have at a time, of those that have an own token or address.
    workers: threads that search; 0: one a core.
    decoders: processes that open uploaded pictures.
    batch: texts encoded at a time; text_vectors: how many are kept.
    ingest_roots: folders that jobs may read, each known by its name; none, no ingest through the API.
    max_delivery_bytes: of one request of files that are sent to be read in; received_bytes: of all that are kept;
        received_files: of one delivery.
    upload_bytes: memory for uploaded pictures, as thumbnails; the oldest give way.
    public_url: where others reach the server, such as "https://museum.example/sherd/"; "": as each request calls it.
    title: of the collection, in what the standards tell of it.
    origins: sites whose pages may read what is served by IIIF and for reconciliation, such as "https://viewer.example";
        "*" means all. Without tokens pages of this machine may anyhow; with tokens all may, for they need one.
    image_area: width x height of the largest picture that is rendered.
    image_workers: processes that render pictures; image_bytes: memory for those that were rendered last.
    """

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()
    tokens_required: bool = False
    open_reading: bool = False
    max_body_bytes: int = 256 * 1024
    max_upload_bytes: int = 32 * _MIB
    max_pixels: int = 100_000_000
    max_address_bytes: int = 16 * 1024
    max_header_bytes: int = 16 * 1024
    body_idle_s: float = 10.0
    body_total_s: float = 60.0
    wait_s: float = 2.0
    deadline_s: float = 10.0
    interactive: Room = Room(8, 64)
    write: Room = Room(4, 64)
    bulk: Room = Room(4, 16)
    files: Room = Room(32, 256)
    streams: Room = Room(32, 0)
    per_client: int = 48
    workers: int = 0
    decoders: int = 1
    batch: int = 16
    text_vectors: int = 4_096
    max_delivery_bytes: int = 256 * _MIB
    received_bytes: int = 50 * 1024 * _MIB
    received_files: int = 20_000
    upload_bytes: int = 64 * _MIB
    ingest_roots: tuple[Path, ...] = ()
    public_url: str = ""
    title: str = "Sherd collection"
    origins: tuple[str, ...] = ()
    image_area: int = 16_000_000
    image_workers: int = 1
    image_bytes: int = 64 * _MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
                raise InvalidArgument(f"server setting {field.name} is {value}; give a number of 0 or more")
        if self.public_url and not _ON_THE_WEB.fullmatch(self.public_url):
            raise InvalidArgument(f"public_url is {self.public_url!r}; give one such as https://museum.example/sherd/")

    @property
    def threads(self) -> int:
        """Threads that search."""
        return self.workers or os.cpu_count() or 1
