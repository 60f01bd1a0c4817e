"""What the Web Annotation model says a document must be (as a JSON Schema), and the terms of its context that we use.

Both are written from the text of the model and its vocabulary; neither is a copy of a file of the W3C.
"""

from __future__ import annotations

from typing import Any

ANNO = "http://www.w3.org/ns/anno.jsonld"
OA, DCTERMS, FOAF = "http://www.w3.org/ns/oa#", "http://purl.org/dc/terms/", "http://xmlns.com/foaf/0.1/"
AS, SKOS = "https://www.w3.org/ns/activitystreams#", "http://www.w3.org/2004/02/skos/core#"
RDF, XSD = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2001/XMLSchema#"
MOTIVATIONS = (
    "assessing", "bookmarking", "classifying", "commenting", "describing", "editing", "highlighting", "identifying",
    "linking", "moderating", "questioning", "replying", "tagging",
)  # fmt: skip


def _some(of: dict[str, Any]) -> dict[str, Any]:
    """One of these, or a list of them."""
    return {"anyOf": [of, {"type": "array", "minItems": 1, "items": of}]}


_ADDRESS = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+$"}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_MOTIVATION = {"enum": list(MOTIVATIONS)}
_CONTEXT = {
    "anyOf": [{"const": ANNO}, {"type": "array", "contains": {"const": ANNO}, "items": {"type": ["string", "object"]}}]
}
_SELECTOR = {
    "type": "object",
    "required": ["type"],
    "properties": {"refinedBy": {"$ref": "#/$defs/selector"}},
    "allOf": [
        {
            "if": {"properties": {"type": {"enum": ["FragmentSelector", "SvgSelector", "XPathSelector"]}}},
            "then": {"properties": {"value": {"type": "string"}, "conformsTo": _ADDRESS}},
        },
        {
            "if": {"properties": {"type": {"const": "FragmentSelector"}}},
            "then": {"required": ["value"], "properties": {"value": {"pattern": "^[a-z]+=[^#]+$"}}},
        },
    ],
}
_RESOURCE = {
    "anyOf": [
        {"$ref": "#/$defs/address"},
        {
            "type": "object",
            "properties": {
                "id": {"$ref": "#/$defs/address"},
                "purpose": _some(_MOTIVATION),
                "source": {
                    "anyOf": [
                        {"$ref": "#/$defs/address"},
                        {"type": "object", "required": ["id"], "properties": {"id": {"$ref": "#/$defs/address"}}},
                    ]
                },
                "scope": _some({"$ref": "#/$defs/address"}),
                "selector": _some({"$ref": "#/$defs/selector"}),
            },
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": "SpecificResource"}}, "required": ["type"]},
                    "then": {"required": ["source"]},
                },
                {
                    "if": {"properties": {"type": {"const": "TextualBody"}}, "required": ["type"]},
                    "then": {"required": ["value"], "properties": {"value": {"type": "string"}}},
                },
                {"if": {"required": ["selector"]}, "then": {"required": ["source"]}},
            ],
        },
    ]
}
_AGENT = {
    "anyOf": [
        {"$ref": "#/$defs/address"},
        {
            "type": "object",
            "properties": {
                "type": _some({"enum": ["Person", "Organization", "Software"]}),
                "name": _some({"type": "string"}),
            },
        },
    ]
}
_ANNOTATION = {
    "type": "object",
    "required": ["id", "type", "target"],
    "properties": {
        "id": {"$ref": "#/$defs/address"},
        "type": {"anyOf": [{"const": "Annotation"}, {"type": "array", "contains": {"const": "Annotation"}}]},
        "motivation": _some(_MOTIVATION),
        "target": _some({"$ref": "#/$defs/resource"}),
        "body": _some({"$ref": "#/$defs/resource"}),
        "bodyValue": {"type": "string"},
        "creator": _some({"$ref": "#/$defs/agent"}),
        "generator": _some({"$ref": "#/$defs/agent"}),
        "created": _TIME,
        "modified": _TIME,
        "generated": _TIME,
    },
    "not": {"required": ["body", "bodyValue"]},
}
_DEFS = {
    "address": _ADDRESS, "selector": _SELECTOR, "resource": _RESOURCE, "agent": _AGENT, "annotation": _ANNOTATION,
}  # fmt: skip

ANNOTATION: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": _DEFS,
    "$ref": "#/$defs/annotation",
    "required": ["@context"],
    "properties": {"@context": _CONTEXT},
}
PAGE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": _DEFS,
    "type": "object",
    "required": ["@context", "id", "type", "items", "partOf"],
    "properties": {
        "@context": _CONTEXT,
        "id": _ADDRESS,
        "type": {"const": "AnnotationPage"},
        "partOf": _ADDRESS,
        "startIndex": {"type": "integer", "minimum": 0},
        "next": _ADDRESS,
        "prev": _ADDRESS,
        "items": {
            "type": "array",
            "minItems": 1,
            "items": {"allOf": [{"$ref": "#/$defs/annotation"}, {"not": {"required": ["@context"]}}]},
        },
    },
}
COLLECTION: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@context", "id", "type", "total"],
    "properties": {
        "@context": _CONTEXT,
        "id": _ADDRESS,
        "type": {"const": "AnnotationCollection"},
        "label": {"type": "string"},
        "total": {"type": "integer", "minimum": 0},
        "first": _ADDRESS,
        "last": _ADDRESS,
    },
    "if": {"properties": {"total": {"minimum": 1}}},
    "then": {"required": ["first", "last"]},
}

_LINK = {"@type": "@id"}
CONTEXT: dict[str, Any] = {
    "id": "@id",
    "type": "@type",
    **{name: OA + name for name in ("Annotation", "SpecificResource", "FragmentSelector", *MOTIVATIONS)},
    "Person": FOAF + "Person",
    "Software": AS + "Application",
    "AnnotationCollection": AS + "OrderedCollection",
    "AnnotationPage": AS + "OrderedCollectionPage",
    "skos": SKOS,
    "body": {"@id": OA + "hasBody", **_LINK},
    "target": {"@id": OA + "hasTarget", **_LINK},
    "source": {"@id": OA + "hasSource", **_LINK},
    "scope": {"@id": OA + "hasScope", **_LINK},
    "selector": {"@id": OA + "hasSelector", **_LINK},
    "conformsTo": {"@id": DCTERMS + "conformsTo", **_LINK},
    "creator": {"@id": DCTERMS + "creator", **_LINK},
    "generator": {"@id": AS + "generator", **_LINK},
    "motivation": {"@id": OA + "motivatedBy", "@type": "@vocab"},
    "purpose": {"@id": OA + "hasPurpose", "@type": "@vocab"},
    "created": {"@id": DCTERMS + "created", "@type": XSD + "dateTime"},
    "value": RDF + "value",
    "name": FOAF + "name",
    "label": "http://www.w3.org/2000/01/rdf-schema#label",
    "total": {"@id": AS + "totalItems", "@type": XSD + "nonNegativeInteger"},
    "startIndex": {"@id": AS + "startIndex", "@type": XSD + "nonNegativeInteger"},
    "items": {"@id": AS + "items", "@container": "@list", **_LINK},
    **{name: {"@id": AS + name, **_LINK} for name in ("partOf", "first", "last", "next", "prev")},
}
