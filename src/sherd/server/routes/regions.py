"""Boxes on the pictures of a record: those of the catalogue, and those of people's decisions."""

from __future__ import annotations

from fastapi import APIRouter

from sherd.catalogue import decisions
from sherd.catalogue.standings import standings
from sherd.server.auth import Permission, needs
from sherd.server.routes.records import RecordQuery, find_record
from sherd.server.schemas import BoxForm, RegionLine, RegionLines, problems
from sherd.server.services import Serving

router = APIRouter(prefix="/api/v1", tags=["records"])


@router.get("/regions", response_model=RegionLines, responses=problems(404), dependencies=[needs(Permission.READ)])
async def list_regions(services: Serving, record: RecordQuery) -> RegionLines:
    """What is marked on the pictures of a record: by the catalogue, and by people."""

    def find() -> list[RegionLine]:
        found, images = find_record(services, record)
        names = {one.path: one.picture for one in images}
        lines = [
            RegionLine(
                image=image.path, picture=names[image.path], box=BoxForm.of(region.box), label=region.label,
                concept=region.concept, by="catalogue", who=None, decision=None,
            )
            for image in found.images
            for region in image.regions
        ]  # fmt: skip
        kept = decisions.about(services.library.catalogue.database, [record]).get(record, [])
        lines += [
            RegionLine(
                image=one.image, picture=names[one.image], box=BoxForm.of(one.box), label=None, concept=one.concept,
                by="person", who=one.who, decision=one.number,
            )
            for one in standings(kept)
            if one.holds and one.box is not None and one.image in names
        ]  # fmt: skip
        return lines

    return RegionLines(regions=await services.read(find))
