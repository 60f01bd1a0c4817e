"""Manifests of IIIF Presentation 2 and 3 in one shape: texts by language, canvases, and what is painted on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from sherd.errors import RejectedItem
from sherd.ingest.sources.annotations import purposes, targets
from sherd.ingest.sources.json_documents import identifier, kinds, listed
from sherd.ingest.sources.selectors import fragment_box
from sherd.ingest.sources.texts import clean_text
from sherd.types import Box

MAX_CANVASES = 5_000
MAX_SIDE_PX = 10_000_000


@dataclass(frozen=True, slots=True)
class Painting:
    """A picture on a canvas. width, height: its own in pixels, 0 where that is not said; place: where on the canvas,
    None for all of it; changed: whether a part of the file, or the file turned, is shown; service: of the IIIF Image
    API, or ''; pages: annotations on the picture itself."""

    address: str
    width: int
    height: int
    place: Box | None
    changed: bool
    service: str
    pages: tuple[Any, ...]


@dataclass(slots=True)
class Canvas:
    """A canvas; width and height are 0 where they are not said."""

    address: str
    width: int
    height: int
    label: str
    paintings: list[Painting] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)


class Warnings:
    """What is wrong with a document that is read all the same, as "reason: detail", each once."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}

    def add(self, reason: str, detail: str) -> None:
        self._said[f"{reason}: {detail}"] = None

    def all(self) -> tuple[str, ...]:
        return tuple(self._said)


def is_old(document: dict[str, Any]) -> bool:
    """Whether a document is of Presentation 2."""
    return "@type" in document and "type" not in document


def texts(value: Any, field_name: str, warnings: Warnings, *, old: bool) -> list[tuple[str, str]]:
    """(language tag or '', text without markup) of a label, a summary or a value, in the order given.

    Raises:
        RejectedItem: text_invalid or text_too_long.
    """
    found: list[tuple[str, str]] = []
    for one in listed(value):
        if isinstance(one, str):
            if not old:
                warnings.add(f"{field_name}_invalid", "is a plain text; version 3 wants texts by language")
            found.append(("", one))
        elif isinstance(one, dict) and "@value" in one:
            language = one.get("@language")
            text = one["@value"]
            found += [(language if isinstance(language, str) else "", text)] if isinstance(text, str) else []
        elif isinstance(one, dict):
            for tag, lines in one.items():
                if tag.startswith("@"):
                    warnings.add(f"{field_name}_invalid", f"'{tag}' is no language; version 3 has 'none'")
                if isinstance(lines, str):
                    warnings.add(f"{field_name}_invalid", "is not a list of texts by language")
                language = "" if tag in ("none", "@none", "und") else tag
                found += [(language, line) for line in listed(lines) if isinstance(line, str)]
        else:
            warnings.add(f"{field_name}_invalid", f"{type(one).__name__} is no text")
    plain = ((tag, clean_text(without_markup(text), field_name)) for tag, text in found)
    return [(tag, text) for tag, text in plain if text]


def without_markup(text: str) -> str:
    """The text of a piece of HTML, which values of IIIF may be.

    >>> without_markup('<span>From: <a href="https://x.example">A &amp; B</a></span>'), without_markup("a < b")
    ('From: A & B', 'a < b')
    """
    if not text.lstrip().startswith("<") or not text.rstrip().endswith(">"):
        return text  # the specification's own test for markup
    reader = _Markup()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("br", "p", "li", "div") and self.parts:
            self.parts.append("\n")


def canvases(manifest: dict[str, Any], warnings: Warnings) -> Iterator[Canvas]:
    """The canvases of a manifest, with what is painted on them.

    Raises:
        RejectedItem: manifest_too_large.
    """
    old = is_old(manifest)
    found = [one for one in listed(manifest.get("items")) if "Canvas" in kinds(one)]
    for sequence in listed(manifest.get("sequences")):
        if isinstance(sequence, dict):
            if not old:
                warnings.add("manifest_invalid", "has sequences, as version 2; version 3 has items")
            found += listed(sequence.get("canvases"))
    if len(found) > MAX_CANVASES:
        raise RejectedItem("manifest_too_large", f"{len(found)} canvases; the limit is {MAX_CANVASES}")
    for number, one in enumerate(found, 1):
        if isinstance(one, dict):
            yield _canvas(one, number, warnings, old=old)
        else:
            warnings.add("canvas_invalid", f"canvas {number} is no object")


def _canvas(found: dict[str, Any], number: int, warnings: Warnings, *, old: bool) -> Canvas:
    address = identifier(found)
    if not address:
        warnings.add("canvas_invalid", f"canvas {number} has no id")
    width, height = _size(found)
    label = next((text for _, text in texts(found.get("label"), "label", warnings, old=old)), "")
    canvas = Canvas(address, width, height, label)
    canvas.pages = [*listed(found.get("annotations")), *listed(found.get("otherContent"))]
    for page in [*listed(found.get("items")), *listed(found.get("content"))]:
        for one in listed(page.get("items")) if isinstance(page, dict) else []:
            if isinstance(one, dict) and "painting" in purposes(one):
                canvas.paintings += _paintings(one, "body", canvas, warnings)
    for one in listed(found.get("images")):
        if isinstance(one, dict):
            canvas.paintings += _paintings(one, "resource", canvas, warnings)
    if canvas.paintings and not (width and height):
        warnings.add("canvas_invalid", f"canvas {number} has no width and height")
    return canvas


def _paintings(found: dict[str, Any], name: str, canvas: Canvas, warnings: Warnings) -> Iterator[Painting]:
    place = None
    for target in targets(found):
        if target.fragment and canvas.width and canvas.height:
            try:
                place = fragment_box(target.fragment, canvas.width, canvas.height)
            except RejectedItem as refusal:
                warnings.add(refusal.reason, f"of a picture: {refusal.detail}")
    for one, changed in _pictures(listed(found.get(name))):
        width, height = _size(one)
        service = one.get("service")
        if service is not None and not isinstance(service, list) and name == "body":
            warnings.add("service_invalid", "is not a list")
        services = [at for at in map(identifier, listed(service)) if at]
        pages = tuple(listed(one.get("annotations")))
        yield Painting(identifier(one), width, height, place, changed, services[0] if services else "", pages)


def _pictures(bodies: list[Any], depth: int = 0, *, changed: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Images among the bodies, those in choices too; and whether only a part is shown, or turned."""
    for body in bodies:
        if not isinstance(body, dict) or depth > 4:
            continue
        named = kinds(body)
        if "Image" in named:
            yield body, changed
        elif "Choice" in named:
            inside = [*listed(body.get("items")), *listed(body.get("default")), *listed(body.get("item"))]
            yield from _pictures(inside, depth + 1, changed=changed)
        elif "SpecificResource" in named:
            source = [*listed(body.get("source")), *listed(body.get("full"))]
            yield from _pictures(source, depth + 1, changed=changed or body.get("selector") is not None)


def _size(found: dict[str, Any]) -> tuple[int, int]:
    width, height = (_side(found.get(name)) for name in ("width", "height"))
    return (width, height) if width and height else (0, 0)


def _side(value: Any) -> int:
    return round(value) if type(value) in (int, float) and 1 <= value <= MAX_SIDE_PX else 0
