"""The forms of the Reconciliation Service API 0.2, and what is told of the service itself.

Source: https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, TypeAdapter, ValidationError, model_validator

from sherd.search.reconcile import PROPERTIES, Wanted, name_of
from sherd.server.problems import Fault, Refusal
from sherd.server.schemas import Form, Text
from sherd.thesaurus.skos import local_name
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept

Json = dict[str, Any]
T = TypeVar("T")
SKOS = "http://www.w3.org/2004/02/skos/core#"
MOST_QUERIES, MOST_IDS, MOST_CANDIDATES = 100, 1_000, 50
PREVIEW = 440, 240
"""Width and height in pixels."""
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "label-zh": "Label (Chinese)", "label-en": "Label (English)", "other-labels": "Other labels",
        "definition-zh": "Definition (Chinese)", "definition-en": "Definition (English)", "notation": "Notation",
        "facet": "Facet", "broader": "Broader", "narrower": "Narrower", "exact-match": "Exactly matching address",
        "close-match": "Closely matching address", "limit": "Limit", "limit-help": "Values a row; 0 for all",
    },
    "zh": {
        "label-zh": "名称（中文）", "label-en": "名称（英文）", "other-labels": "其他名称",
        "definition-zh": "释义（中文）", "definition-en": "释义（英文）", "notation": "分类号", "facet": "类属",
        "broader": "上位概念", "narrower": "下位概念", "exact-match": "完全对应的网址", "close-match": "近似对应的网址",
        "limit": "上限", "limit-help": "每行取值的个数，0 为全部",
    },
}  # fmt: skip


class Entity(Form):
    """A value that is itself a concept."""

    id: Text
    name: Text | None = None


Value = Text | StrictBool | StrictInt | StrictFloat | Entity


class PropertyAsked(Form):
    pid: Annotated[StrictStr, Field(max_length=200)]
    v: Value | Annotated[list[Value], Field(max_length=100)]

    def wanted(self) -> Wanted:
        values = self.v if isinstance(self.v, list) else [self.v]
        return Wanted(self.pid, tuple(one.id if isinstance(one, Entity) else str(one) for one in values))


class ReconcileForm(Form):
    """One query of a batch."""

    query: Annotated[StrictStr, Field(min_length=1, max_length=2_000)] | None = None
    type: Text | Annotated[list[Text], Field(max_length=20)] | None = None
    limit: Annotated[StrictInt | StrictFloat, Field(gt=0)] = 5
    properties: Annotated[list[PropertyAsked], Field(max_length=20)] = Field(default_factory=list)
    type_strict: Literal["any", "should", "all"] | None = None

    @model_validator(mode="after")
    def _asks(self) -> ReconcileForm:
        if not (self.query or self.properties):
            raise ValueError("give query or properties")
        return self

    @property
    def types(self) -> list[str]:
        given = self.type if isinstance(self.type, list) else [self.type or ""]
        return [one for one in given if one]


class Limit(Form):
    """Settings of a property; clients send numbers as texts too."""

    limit: Annotated[StrictInt, Field(ge=0)] | Annotated[StrictStr, Field(pattern="^[0-9]{0,6}$")] = 0


class PropertyFetched(Form):
    id: Annotated[StrictStr, Field(max_length=200)]
    settings: Limit = Field(default_factory=Limit)

    @property
    def most(self) -> int | None:
        return int(self.settings.limit or 0) or None


class ExtendForm(Form):
    """What to tell of concepts that were chosen."""

    ids: Annotated[list[Text], Field(max_length=MOST_IDS)]
    properties: Annotated[list[PropertyFetched], Field(max_length=50)]


_BATCH = TypeAdapter(
    Annotated[dict[Annotated[str, Field(max_length=200)], ReconcileForm], Field(max_length=MOST_QUERIES)]
)


def read_batch(text: str) -> dict[str, ReconcileForm]:
    """A batch of queries. Raises Refusal."""
    return _read(_BATCH, text, "queries")


def read_extension(text: str) -> ExtendForm:
    """What to extend by. Raises Refusal."""
    return _read(TypeAdapter(ExtendForm), text, "extend")


def manifest_of(base: str, language: str, title: str, thesaurus: Thesaurus, software: str) -> Json:
    """What a client must know of the service.

    Args:
        base: of the server. language: 'en', 'zh', or 'any': that of each name.
    """
    here = f"/{language}"
    root, words = f"{base}reconcile", WORDS["zh" if language == "zh" else "en"]
    suggest = {
        kind: {"service_url": root, "service_path": f"{here}/suggest/{kind}"} for kind in ("entity", "type", "property")
    }
    suggest["entity"] |= {"flyout_service_url": root, "flyout_service_path": f"{here}/flyout?id=${{id}}"}
    preview = f"{root}{here}/preview?id={{{{id}}}}"
    return {
        "versions": ["0.2"], "name": title, "identifierSpace": thesaurus.scheme or f"{base}concept/",
        "schemaSpace": SKOS, "serviceVersion": software,
        "defaultTypes": list(types_of(thesaurus, language)), "view": {"url": preview},
        "preview": {"url": preview, "width": PREVIEW[0], "height": PREVIEW[1]}, "suggest": suggest,
        "extend": {
            "propose_properties": {"service_url": root, "service_path": f"{here}/properties"},
            "property_settings": [
                {
                    "name": "limit", "label": words["limit"], "type": "number", "default": 0,
                    "help_text": words["limit-help"],
                },
            ],
        },
    }  # fmt: skip


@lru_cache(maxsize=8)
def types_of(thesaurus: Thesaurus, language: str) -> tuple[Json, ...]:
    """The facets: each is named as the concept at its top, where there is one."""
    tops = {local_name(one.uri): one for one in thesaurus if not one.broader}
    names = dict.fromkeys(one.facet for one in thesaurus if one.facet)
    return tuple({"id": name, "name": name_of(tops[name], language) if name in tops else name} for name in names)


def properties_of(language: str) -> list[Json]:
    words = WORDS["zh" if language == "zh" else "en"]
    return [{"id": name, "name": words[name]} for name in PROPERTIES]


def told_value(value: str | Concept, language: str) -> Json:
    """A value in the form of data extension."""
    return {"str": value} if isinstance(value, str) else {"id": value.uri, "name": name_of(value, language)}


def _read(form: TypeAdapter[T], text: str, name: str) -> T:
    try:
        return form.validate_json(text)
    except ValidationError as error:
        faults = [Fault(".".join((name, *map(str, one["loc"]))), one["msg"]) for one in error.errors()]
        raise Refusal("invalid_request", f"{name} is not as the API describes it", faults=faults[:20]) from None
