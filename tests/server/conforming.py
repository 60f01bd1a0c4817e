"""JSON Schemas of ours for standards whose makers publish none: IIIF Content Search 2 and Change Discovery 1."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
URI: Json = {"type": "string", "pattern": "^https?://"}


def _thing(kind: str, **more: Json) -> Json:
    known = {"id": URI, "type": {"const": kind}} | more
    return {"type": "object", "required": ["id", "type"], "properties": known, "additionalProperties": False}


def _things(items: Json) -> Json:
    return {"type": "array", "items": items}


_NUMBER: Json = {"type": "integer", "minimum": 0}
_QUOTE: Json = {
    "type": "object", "required": ["type", "exact"], "additionalProperties": False,
    "properties": {
        "type": {"const": "TextQuoteSelector"}, "prefix": {"type": "string"},
        "exact": {"type": "string", "minLength": 1}, "suffix": {"type": "string"},
    },
}  # fmt: skip
_MATCH = _thing(
    "Annotation",
    motivation={"enum": ["contextualizing", "highlighting"]},
    target={
        "type": "object", "required": ["type", "source", "selector"], "additionalProperties": False,
        "properties": {"type": {"const": "SpecificResource"}, "source": URI, "selector": _things(_QUOTE)},
    },
)  # fmt: skip
_FOUND = _thing(
    "AnnotationPage",
    **{
        "@context": {"const": "http://iiif.io/api/search/2/context.json"},
        "items": _things({"type": "object", "required": ["id", "type", "motivation", "body", "target"]}),
        "partOf": _thing(
            "AnnotationCollection", total=_NUMBER, first=_thing("AnnotationPage"), last=_thing("AnnotationPage")
        ),
        "startIndex": _NUMBER, "next": _thing("AnnotationPage"), "prev": _thing("AnnotationPage"),
        "annotations": _things(_thing("AnnotationPage", items=_things(_MATCH))), "ignored": _things({"type": "string"}),
    },
)  # fmt: skip
_TERM: Json = {
    "type": "object", "required": ["value"], "additionalProperties": False,
    "properties": {
        "value": {"type": "string", "minLength": 1}, "total": _NUMBER, "language": {"type": "string"},
        "label": {"type": "object"}, "service": _things(_thing("SearchService2")),
    },
}  # fmt: skip
_TERMS = _thing(
    "TermPage",
    **{
        "@context": {"const": "http://iiif.io/api/search/2/context.json"}, "items": _things(_TERM),
        "ignored": _things({"enum": ["min", "motivation", "user", "date"]}),
    },
)  # fmt: skip
_PAGE = _thing("OrderedCollectionPage")
_CHANGES = _thing(
    "OrderedCollection",
    **{
        "@context": {"const": "http://iiif.io/api/discovery/1/context.json"}, "totalItems": _NUMBER, "first": _PAGE,
        "last": _PAGE,
    },
)  # fmt: skip
_TIME: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_ACTIVITY: Json = {
    "type": "object", "required": ["id", "type", "object", "endTime"], "additionalProperties": False,
    "properties": {
        "id": URI, "type": {"enum": ["Create", "Update", "Delete"]}, "object": _thing("Manifest"), "endTime": _TIME,
        "actor": _thing("Person", name={"type": "string", "minLength": 1}),
    },
}  # fmt: skip
_CHANGE_PAGE = _thing(
    "OrderedCollectionPage",
    **{
        "@context": {"const": "http://iiif.io/api/discovery/1/context.json"}, "startIndex": _NUMBER,
        "partOf": _thing("OrderedCollection"), "prev": _PAGE, "next": _PAGE, "orderedItems": _things(_ACTIVITY),
    },
)  # fmt: skip
CHANGES = Draft202012Validator(_CHANGES | {"required": ["@context", "id", "type", "last", "totalItems"]})
CHANGE_PAGE = Draft202012Validator(
    _CHANGE_PAGE | {"required": ["@context", "id", "type", "partOf", "startIndex", "orderedItems"]}
)
_REQUIRED = {"required": ["@context", "id", "type", "items"]}
ANSWER_PAGE = Draft202012Validator(_FOUND | _REQUIRED)
TERM_PAGE = Draft202012Validator(_TERMS | _REQUIRED)
