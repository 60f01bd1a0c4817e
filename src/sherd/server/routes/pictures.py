"""Pictures of the library and their thumbnails."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from sherd.server.auth import Permission, needs
from sherd.server.problems import Refusal
from sherd.server.schemas import PictureTold, RecordLine, problems
from sherd.server.services import Serving

router = APIRouter(prefix="/api/v1/pictures", tags=["pictures"])
Sha256Path = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the picture's file.")]
_FOREVER = "private, max-age=31536000, immutable"


@router.get("/{picture}", response_model=PictureTold, responses=problems(404), dependencies=[needs(Permission.READ)])
async def get_picture(services: Serving, picture: Sha256Path) -> PictureTold:
    """The size of a picture, and the records that show it."""

    def find() -> PictureTold:
        catalogue = services.library.catalogue
        found = catalogue.pictures_by_sha256([picture]).get(picture)
        if found is None:
            raise Refusal("unknown_picture")
        shown = catalogue.hits_for(np.array([found.key])).get(found.key, [])
        return PictureTold(
            picture=picture,
            width=found.width,
            height=found.height,
            thumbnail=f"/api/v1/pictures/{picture}/thumbnail",
            records=[RecordLine(record_id=one.record_id, title=one.title) for one in shown],
        )

    return await services.read(find)


@router.get(
    "/{picture}/thumbnail",
    responses=problems(404) | {200: {"content": {"image/jpeg": {}}, "description": "A JPEG."}, 304: {}},
    response_class=Response,
    dependencies=[needs(Permission.READ)],
)
async def thumbnail(request: Request, services: Serving, picture: Sha256Path) -> Response:
    """The picture upright in sRGB, 512 pixels at most. It never changes, so it may be kept."""
    headers = {"ETag": f'"{picture}"', "Cache-Control": _FOREVER}
    jpeg = await services.thumbnail(picture)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, media_type="image/jpeg", headers=headers)
