"""Where IIIF manifests, and what they point to, are found."""

from __future__ import annotations

import mimetypes
import re
from urllib.parse import quote

from sherd.errors import InvalidArgument
from sherd.exports.described import ExportSettings, Shot
from sherd.exports.facts import address, picture_address
from sherd.exports.iiif_texts import file_name
from sherd.exports.web_annotation import Json, PictureAddress

COLLECTION, MANIFESTS, THUMBNAILS = "collection.json", "manifests", "thumbnails"


class Places:
    """Where manifests, and what they point to, are found: as files under the base of an export.

    Args:
        settings: with a base on the web.
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
    Raises:
        InvalidArgument: the base is not on the web.
    """

    embedded = True
    """Whether pages of annotations stand in the manifest; else it only says where they are."""
    unread: tuple[str, ...] = ()
    """Layers that are pointed to without knowing whether they have anything to say, where they are not embedded."""

    def __init__(self, settings: ExportSettings, picture: PictureAddress | None = None) -> None:
        if not re.fullmatch(r"https?://[^\s/?#]+/(?:[^\s?#]*/)?", settings.base):
            raise InvalidArgument(
                f"IIIF needs a base on the web that ends in a slash, where the files will be published, such as "
                f"https://museum.example/iiif/; it is {settings.base!r}"
            )
        self.settings = settings
        self._picture = picture or (lambda shot: picture_address(settings, shot))

    def collection(self) -> str:
        return self.settings.base + COLLECTION

    def manifest(self, record_id: str) -> str:
        return f"{self.settings.base}{MANIFESTS}/{quote(file_name(record_id))}.json"

    def canvas(self, record_id: str, path: str) -> str:
        return f"{address(self.settings, 'object', record_id)}/canvas/{quote(path)}"

    def page(self, record_id: str, layer: str, shot: Shot | None) -> str:
        """Of annotations: of a picture, or of the record as a whole."""
        target = self.canvas(record_id, shot.path) if shot is not None else self.manifest(record_id)
        return f"{target.removesuffix('.json')}/{layer}"

    def thumbnail(self, shot: Shot) -> Json:
        return {"id": f"{self.settings.base}{thumbnail_path(shot)}", "type": "Image", "format": "image/jpeg"}

    def picture(self, shot: Shot) -> Json:
        """The picture at its full size."""
        kind = mimetypes.guess_type(shot.path)[0]
        return {"id": self._picture(shot), "type": "Image"} | ({"format": kind} if kind else {})

    def services(self, record_id: str) -> list[Json]:
        """What else can be asked about a manifest."""
        return []


def thumbnail_path(shot: Shot) -> str:
    """Of the thumbnail of a picture, below the base."""
    return f"{THUMBNAILS}/{shot.sha256[:2]}/{shot.sha256}.jpg"
