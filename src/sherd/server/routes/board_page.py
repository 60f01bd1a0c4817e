"""The board: what somebody keeps in the browser, as files to take along and as a page to print."""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Form, Request
from markupsafe import Markup
from PIL import Image
from pydantic import Field, TypeAdapter, ValidationError
from starlette.responses import Response, StreamingResponse

from sherd.errors import SherdError
from sherd.exports.board import Chosen, Crop, caption, credit, telling, write_board
from sherd.ingest.pictures import thumbnail_pixels
from sherd.ingest.rendering import Rendering
from sherd.server.addresses import base_of
from sherd.server.auth import Permission, needs
from sherd.server.named import named
from sherd.server.pages import page, problem_page
from sherd.server.problems import Refusal
from sherd.server.schemas import BoxForm, RecordId, Sha256
from sherd.server.schemas import Form as Strict
from sherd.server.services import Services, Serving

router = APIRouter(include_in_schema=False)
MOST = 100
_RENDER_S = 60.0
_PIECE, _IN_MEMORY = 256 * 1024, 16 * 1024 * 1024


class KeptForm(Strict):
    """Something on a board: a picture of a record, or a box on it."""

    record: RecordId
    picture: Sha256
    box: BoxForm | None = None


_KEPT = TypeAdapter(Annotated[list[KeptForm], Field(min_length=1, max_length=MOST)])
Items = Annotated[str, Form(max_length=200_000, description="A JSON list of what is on the board.")]


@router.get("/board", dependencies=[needs(Permission.READ)])
async def board_page(request: Request) -> Response:
    """The board; what is on it, only the browser knows."""
    return page(request, "board.html", most=MOST)


@router.post("/board/export", dependencies=[needs(Permission.READ)])
async def export_board(request: Request, services: Serving, items: Items) -> Response:
    """A ZIP with the crops in full resolution, credits.csv and meanings.csv."""
    try:
        chosen = await _chosen(request, services, items)
    except Refusal as refusal:
        return problem_page(request, refusal)
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by what sends it
    loop = asyncio.get_running_loop()

    def crops() -> Iterator[Crop]:
        """One at a time, so that many large ones are never in memory together."""
        for one in chosen:
            found = asyncio.run_coroutine_threadsafe(_crop(services, one), loop).result()
            if found is not None:
                yield found

    # Not in a thread of the readers: what it waits for needs these.
    await asyncio.to_thread(lambda: write_board(crops(), spool))  # type: ignore[arg-type]
    spool.seek(0)

    async def pieces() -> AsyncIterator[bytes]:
        with spool:
            while piece := await services.read(lambda: spool.read(_PIECE)):
                yield piece

    headers = {"Content-Disposition": 'attachment; filename="sherd-board.zip"'}
    return StreamingResponse(pieces(), media_type="application/zip", headers=headers)


@router.post("/board/print", dependencies=[needs(Permission.READ)])
async def print_board(
    request: Request, services: Serving, items: Items, title: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """A page of A4 for teachers and designers: pictures, captions in Chinese and English, credits, and QR codes."""
    try:
        chosen = await _chosen(request, services, items)
    except Refusal as refusal:
        return problem_page(request, refusal)
    thesaurus = services.describing.thesaurus
    cards = [
        {
            "src": f"/iiif/image/{one.sha256}/{','.join(map(str, one.region))}/!900,900/0/default.jpg",
            "zh": caption(one.described, "zh"), "en": caption(one.described, "en"), "credit": credit(one.described),
            "terms": [
                (named(thesaurus, said.concept.uri, "zh"), named(thesaurus, said.concept.uri, "en"))
                for said in telling(one)[:3]
            ],
            "qr": _qr(one.address), "address": one.address, "record": one.described.record.record_id,
        }
        for one in chosen
    ]  # fmt: skip
    return page(request, "board_print.html", cards=cards, heading=title.strip())


async def _chosen(request: Request, services: Services, items: str) -> list[Chosen]:
    """What is on the board, as the library has it; what it has no more is left out. Raises Refusal."""
    try:
        wanted = _KEPT.validate_json(items)
    except ValidationError:
        raise Refusal("invalid_request", "the board cannot be read") from None
    names = list(dict.fromkeys(one.record for one in wanted))
    described = await services.read(lambda: services.describing.several(names))
    there = {one.record.record_id: one for one in described}
    return [
        Chosen(
            there[one.record], one.picture, one.box.box() if one.box is not None else None,
            f"{base_of(request)}record?{urlencode({'id': one.record})}",
        )
        for one in wanted
        if one.record in there and one.picture in {shot.sha256 for shot in there[one.record].shots}
    ]  # fmt: skip


async def _crop(services: Services, one: Chosen) -> Crop | None:
    """In full resolution, else out of the thumbnail; None where even that is gone."""
    x, y, w, h = region = one.region
    stored = await services.read(lambda: services.library.catalogue.pictures_by_sha256([one.sha256])[one.sha256])
    try:
        deadline = time.monotonic() + _RENDER_S
        return Crop(one, await services.renderer.render(stored, Rendering(region, (w, h)), deadline), w, h, True)
    except (Refusal, SherdError):
        pass  # the museum's file is not at hand any more
    try:
        jpeg = await services.thumbnail(one.sha256)
    except Refusal:
        return None
    return await services.read(lambda: _from_thumbnail(one, jpeg, (x, y, w, h), (stored.width, stored.height)))


def _from_thumbnail(one: Chosen, jpeg: bytes, region: tuple[int, int, int, int], size: tuple[int, int]) -> Crop:
    image = Image.fromarray(thumbnail_pixels(jpeg))
    scale = image.width / size[0]
    x, y, w, h = (round(side * scale) for side in region)
    cut = image.crop((x, y, min(x + max(w, 1), image.width), min(y + max(h, 1), image.height)))
    stream = io.BytesIO()
    cut.save(stream, "JPEG", quality=90)
    return Crop(one, stream.getvalue(), cut.width, cut.height, False)


def _qr(address: str) -> Markup:
    """A QR code of an address as an SVG, in which nothing of it stands as text; empty where it is too long for one."""
    try:
        return Markup(segno.make(address, error="m").svg_inline(scale=2, border=2, omitsize=True))
    except segno.DataOverflowError:
        return Markup("")
