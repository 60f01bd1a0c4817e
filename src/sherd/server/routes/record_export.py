"""One record to take along, in the forms that other systems read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from sherd.exports.described import ExportSettings
from sherd.exports.lido import write_lido
from sherd.exports.linked_art import linked_art
from sherd.exports.web_annotation import CONTEXT, web_annotations
from sherd.server.auth import Permission, needs
from sherd.server.routes.records import RecordQuery, find_record, record_told
from sherd.server.services import Services, Serving

router = APIRouter(include_in_schema=False)
Form = Literal["json", "annotations", "linked-art", "lido"]
FORMS: dict[Form, str] = {
    "json": "JSON", "annotations": "Web Annotation", "linked-art": "Linked Art", "lido": "LIDO",
}  # fmt: skip
"""Form -> what it is called in every language."""
_JSON, _XML = "application/json", "application/xml"


@router.get("/record/export", dependencies=[needs(Permission.READ)])
async def export_record(
    services: Serving, id: RecordQuery, form: Annotated[Form, Query(description="How.")]
) -> Response:
    """A file with what the catalogue and people say of a record; what only a machine says is not in it."""
    data = await services.read(lambda: _exported(services, id, form))
    name = "record.xml" if form == "lido" else f"record.{form}.json" if form != "json" else "record.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=_XML if form == "lido" else _JSON, headers=headers)


def _exported(services: Services, record_id: str, form: Form) -> bytes:
    find_record(services, record_id)
    settings = ExportSettings()
    if form == "json":
        return record_told(services, record_id).model_dump_json(indent=1).encode()
    described = [services.describing.one(record_id)]
    if form == "lido":
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "record.xml"
            write_lido(described, file, settings)
            return file.read_bytes()
    if form == "annotations":
        items = list(web_annotations(described, settings))
        said: object = {"@context": CONTEXT, "type": "AnnotationPage", "items": items}
    else:
        said = list(linked_art(described, settings))
    return json.dumps(said, ensure_ascii=False, indent=1).encode()
