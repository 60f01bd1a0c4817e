"""Where a server's manifests, annotations, pictures and searches are found."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import Request

from sherd.exports.described import ExportSettings, Shot
from sherd.exports.iiif_places import Places
from sherd.server.addresses import iiif_base, token_of
from sherd.server.services import Services

Json = dict[str, Any]
THUMBNAIL = 400
"""Pixels of its longest side; made of what is kept, also where the picture's file is gone."""
SEARCH_SERVICE, TERMS_SERVICE = "SearchService2", "AutoCompleteService2"


class ServerPlaces(Places):
    """Pictures by the Image API, annotations as documents of their own."""

    embedded = False
    unread = ("machine",)

    def collection(self) -> str:
        return f"{self.settings.base}collection"

    def collection_page(self, number: int) -> str:
        return f"{self.settings.base}collection/{number}"

    def changes(self) -> str:
        return f"{self.settings.base}changes"

    def manifest(self, record_id: str) -> str:
        return f"{self.settings.base}manifest/{token_of(record_id)}"

    def page(self, record_id: str, layer: str, shot: Shot | None) -> str:
        address = f"{self.settings.base}annotations/{token_of(record_id)}/{layer}"
        return address if shot is None else f"{address}?image={quote(shot.path, safe='')}"

    def thumbnail(self, shot: Shot) -> Json:
        service = self.image_service(shot)
        address = f"{service['id']}/full/!{THUMBNAIL},{THUMBNAIL}/0/default.jpg"
        return {"id": address, "type": "Image", "format": "image/jpeg", "service": [service]}

    def picture(self, shot: Shot) -> Json:
        service = self.image_service(shot)
        address = f"{service['id']}/full/max/0/default.jpg"
        return {"id": address, "type": "Image", "format": "image/jpeg", "service": [service]}

    def image(self, sha256: str) -> str:
        """Address of a picture in the Image API."""
        return f"{self.settings.base}image/{sha256}"

    def image_service(self, shot: Shot) -> Json:
        return {"id": self.image(shot.sha256), "type": "ImageService3", "profile": "level2"}

    def search(self, record_id: str | None) -> str:
        """Of a manifest, or of the whole collection."""
        return self._of(record_id, "search")

    def terms(self, record_id: str | None) -> str:
        return self._of(record_id, "terms")

    def services(self, record_id: str | None) -> list[Json]:
        terms = {"id": self.terms(record_id), "type": TERMS_SERVICE}
        return [{"id": self.search(record_id), "type": SEARCH_SERVICE, "service": [terms]}]

    def _of(self, record_id: str | None, what: str) -> str:
        return f"{self.settings.base}{what}" if record_id is None else f"{self.manifest(record_id)}/{what}"


def places_of(request: Request) -> ServerPlaces:
    """The places as this request is to be told of them."""
    services: Services = request.app.state.services
    return ServerPlaces(ExportSettings(iiif_base(request), services.settings.title))
