"""What annotations say, in the shapes of the W3C, of IIIF 3 and of IIIF 2: of what, which terms, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sherd.ingest.sources.json_documents import identifier, kinds, listed, text_at

TERMS = "urn:sherd:terms#"
"""What our own properties begin with, where a context does not shorten them."""
TERM_PURPOSES = frozenset({"tagging", "classifying", "identifying"})
"""Why a body is there when it is a term for what is seen."""
REMARK_PURPOSES = frozenset({"commenting", "describing"})
_PICTURES = frozenset({"Image", "Video", "Sound", "Audio", "Dataset"})
_SOFTWARE = frozenset({"Software", "SoftwareAgent", "SoftwareApplication", "Application"})
_MAX_NESTED = 8


class Voice(StrEnum):
    """Whose word an annotation is, as far as it says."""

    PERSON = "person"
    """Or nobody in particular."""
    MACHINE = "machine"
    CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Said:
    """One body: a concept by its URI, or a text; why it is there; whose word it is, and when it was made."""

    concept: str
    text: str
    language: str
    purpose: str
    voice: Voice
    who: str
    created: str


@dataclass(frozen=True, slots=True)
class Target:
    """What an annotation is about: an address without its fragment, the fragment, a selector (JSON) or None, and the
    address of what it is a part of, '' where that is not said."""

    address: str
    fragment: str
    selector: Any
    scope: str


def own(found: Any, name: str) -> Any:
    """The value of one of our own properties, shortened by the context or not."""
    if not isinstance(found, dict):
        return None
    return found.get(name, found.get(f"sherd:{name}", found.get(TERMS + name)))


def purposes(found: Any, name: str = "motivation") -> list[str]:
    """Motivations or purposes without their prefixes."""
    values = [one for one in listed(found.get(name)) if isinstance(one, str)] if isinstance(found, dict) else []
    return [value.rpartition("#")[2].rpartition("/")[2].rpartition(":")[2] for value in values]


def targets(annotation: dict[str, Any]) -> list[Target]:
    """What an annotation is about; without an address where it does not say of which picture."""
    found = []
    for one in listed(annotation.get("target", annotation.get("on"))):
        source, selector, scope = one, None, ""
        if isinstance(one, dict):
            source = one.get("source", one.get("full", one))
            selector, scope = one.get("selector"), identifier(one.get("scope"))
        address, _, fragment = identifier(source).partition("#")
        found.append(Target(address, fragment, selector, scope))
    return found


def said(annotation: dict[str, Any]) -> Iterator[Said]:
    """The bodies of an annotation that say something in words; pictures and the like are left out."""
    reasons = purposes(annotation)
    bodies = listed(annotation.get("body", annotation.get("resource")))
    if text := text_at(annotation, "bodyValue"):
        bodies = [*bodies, {"type": "TextualBody", "value": text}]
    for body in _flat(bodies):
        concept, text = _meaning(body)
        if concept or text:
            purpose = next(iter(purposes(body, "purpose") or _by_kind(body) or reasons), "")
            created = text_at(body, "created") or text_at(annotation, "created")
            who = _people(body) or _people(annotation)
            yield Said(
                concept, text, text_at(body, "language"), purpose, _voice(annotation, body), who[0] if who else "",
                created,
            )  # fmt: skip


def voice(annotation: dict[str, Any]) -> Voice:
    """Whose word an annotation is as a whole.

    Software that made an annotation is its generator and nobody its creator, or it is the creator itself.
    """
    return _voice(annotation, {})


def _voice(annotation: dict[str, Any], body: Any) -> Voice:
    both = [one for one in (body, annotation) if isinstance(one, dict)]
    stated = {own(one, "statedBy") for one in both if isinstance(own(one, "statedBy"), str)}
    if "machine" in stated or any(own(one, "probability") is not None for one in both):
        return Voice.MACHINE
    if "catalogue" in stated:
        return Voice.CATALOGUE
    creators = next((found for one in both if (found := listed(one.get("creator")))), [])
    if creators:
        return Voice.MACHINE if all(_SOFTWARE & set(kinds(one)) for one in creators) else Voice.PERSON
    return Voice.MACHINE if any(one.get("generator") is not None for one in both) else Voice.PERSON


def _people(found: Any) -> list[str]:
    creators = listed(found.get("creator")) if isinstance(found, dict) else []
    people = [one for one in creators if not _SOFTWARE & set(kinds(one))]
    return [name for one in people if (name := text_at(one, "name", "nickname", "label") or identifier(one))]


def _flat(bodies: list[Any], depth: int = 0) -> Iterator[Any]:
    """Bodies; the members of a Choice, a List or a Composite one by one."""
    for body in bodies:
        inside = {"Choice", "List", "Composite", "Independents"} & set(kinds(body))
        if inside and depth < _MAX_NESTED:
            members = [*listed(body.get("items")), *listed(body.get("default")), *listed(body.get("item"))]
            yield from _flat(members, depth + 1)
        elif not inside:
            yield body


def _meaning(body: Any) -> tuple[str, str]:
    """(URI of a concept, text) of a body; '' for what it has not."""
    if isinstance(body, str):
        return body.strip(), ""
    if not isinstance(body, dict) or _PICTURES & set(kinds(body)):
        return "", ""
    source = body.get("source", body.get("full"))
    text = text_at(body, "value", "chars") or _label(body) or _label(source)
    concept = own(body, "concept")
    if isinstance(concept, str) and concept.strip():
        return concept.strip(), text
    if source is not None:
        return ("", "") if _PICTURES & set(kinds(source)) else (identifier(source), text)
    is_text = {"TextualBody", "ContentAsText", "Text", "Tag"} & set(kinds(body)) or text_at(body, "value", "chars")
    return ("" if is_text else identifier(body)), text


def _label(found: Any) -> str:
    """A label of a resource, in whichever language comes first."""
    for name in ("prefLabel", "label"):
        value = found.get(name) if isinstance(found, dict) else None
        values = list(value.values()) if isinstance(value, dict) else listed(value)
        for one in values:
            for text in listed(one):
                if isinstance(text, str) and text.strip():
                    return text.strip()
    return ""


def _by_kind(body: Any) -> list[str]:
    """In IIIF 2 the type says that a body is a tag."""
    return ["tagging"] if {"Tag", "SemanticTag"} & set(kinds(body)) else []
