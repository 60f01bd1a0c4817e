"""IIIF Image API 3, level 2: parts of the library's pictures in any size."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sherd.catalogue.catalogue import StoredPicture
from sherd.server.auth import Permission, needs
from sherd.server.iiif_places import Json, places_of
from sherd.server.image_requests import TILE, ImageSource, read_request, scale_factors
from sherd.server.json_ld import MEDIA_TYPE, content, is_known, json_ld
from sherd.server.problems import Refusal
from sherd.server.schemas import problems
from sherd.server.services import Deadline, Services, Serving

router = APIRouter(prefix="/iiif/image", tags=["iiif"])
CONTEXT = "http://iiif.io/api/image/3/context.json"
PROFILE = '<http://iiif.io/api/image/3/level2.json>;rel="profile"'
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_KEEP = "private, max-age=86400"
_VERSION = 1
"""Of how pictures are rendered; goes up where the same request gives another picture."""


@router.get(
    "/{picture}", responses=problems(404) | {303: {"description": "To info.json."}}, response_class=Response,
    dependencies=[needs(Permission.READ)],
)  # fmt: skip
async def iiif_image(request: Request, services: Serving, picture: str) -> Response:
    """Leads to the description of a picture."""
    await _find(services, picture)
    return RedirectResponse(f"{places_of(request).image(picture)}/info.json", 303)


@router.get(
    "/{picture}/info.json", responses=content(MEDIA_TYPE, "application/json") | problems(404),
    response_class=Response, dependencies=[needs(Permission.READ)],
)  # fmt: skip
async def iiif_image_info(request: Request, services: Serving, picture: str) -> Response:
    """What can be asked of a picture."""
    found = await _find(services, picture)
    source = _source(services, found)
    factors = scale_factors(found.width, found.height)
    fitting = [n for n in factors if -(-found.width // n) * -(-found.height // n) <= source.max_area]
    told: Json = {
        "@context": CONTEXT, "id": places_of(request).image(picture), "type": "ImageService3",
        "protocol": "http://iiif.io/api/image", "profile": "level2", "width": found.width, "height": found.height,
        "maxArea": source.max_area,
        "sizes": [{"width": -(-found.width // n), "height": -(-found.height // n)} for n in reversed(fitting)],
        "tiles": [{"width": TILE, "scaleFactors": factors}],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": ["canonicalLinkHeader", "mirroring", "profileLinkHeader", "sizeUpscaling"],
    }  # fmt: skip
    return json_ld(request, told, CONTEXT, Link=PROFILE)


@router.get(
    "/{picture}/{region}/{size}/{rotation}/{file}",
    responses=content("image/jpeg", "image/png") | problems(400, 404),
    response_class=Response,
    dependencies=[needs(Permission.READ)],
)
async def iiif_image_part(
    request: Request,
    services: Serving,
    deadline: Deadline,
    picture: str,
    region: str,
    size: str,
    rotation: str,
    file: str,
) -> Response:
    """A picture or a region of it, in a size, turned, in a quality; `file` is the quality and the format."""
    found = await _find(services, picture)
    quality, _, kind = file.partition(".")
    asked = read_request(region, size, rotation, quality, kind, _source(services, found))
    canonical = f"{places_of(request).image(picture)}/{asked.canonical}"
    tag = hashlib.sha256(f"{_VERSION} {picture}/{asked.canonical}".encode()).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": _KEEP, "Link": f'{PROFILE}, <{canonical}>;rel="canonical"'}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    data = await services.renderer.render(found, asked.rendering, deadline)
    return Response(data, media_type=_TYPES[kind], headers=headers)


async def _find(services: Services, sha256: str) -> StoredPicture:
    found = await services.read(lambda: services.library.catalogue.pictures_by_sha256([sha256]))
    if sha256 not in found:
        raise Refusal("unknown_picture")
    return found[sha256]


def _source(services: Services, picture: StoredPicture) -> ImageSource:
    return ImageSource(picture.width, picture.height, max(services.settings.image_area, 1))
