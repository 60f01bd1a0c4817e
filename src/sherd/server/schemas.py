"""The forms of requests and answers. Requests are strict: an unknown member, or a number in quotes, is refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from sherd.catalogue.filters import FIELDS
from sherd.types import MAX_K, MAX_QUERY_CHARS, Box

MAX_ID_CHARS = 1_000
Text = Annotated[StrictStr, Field(max_length=MAX_QUERY_CHARS)]
RecordId = Annotated[StrictStr, Field(min_length=1, max_length=MAX_ID_CHARS)]
Sha256 = Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
UploadName = Annotated[StrictStr, Field(pattern="^[0-9a-f]{32}$")]
Fraction = Annotated[StrictFloat | StrictInt, Field(ge=0, le=1)]


class Form(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Told(BaseModel):
    """What the server tells."""

    model_config = ConfigDict(frozen=True)


class BoxForm(Form):
    """A box in fractions 0..1 of the upright picture; x, y is its top left corner."""

    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction

    def box(self) -> Box:
        return Box(float(self.x), float(self.y), float(self.w), float(self.h))

    @classmethod
    def of(cls, box: Box) -> BoxForm:
        return cls(x=round(box.x, 6), y=round(box.y, 6), w=round(box.w, 6), h=round(box.h, 6))


class ImageForm(Form):
    """The picture of a query: one of the library by its sha256, or an uploaded one by the name it was given."""

    picture: Sha256 | None = None
    upload: UploadName | None = None

    @model_validator(mode="after")
    def _one(self) -> ImageForm:
        if (self.picture is None) == (self.upload is None):
            raise ValueError("give picture or upload, one of the two")
        return self


class QueryForm(Form):
    """A query: the one JSON form of it, in requests, in answers and in the page's address."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "饕餮纹 on a tripod", "k": 20},
                {"text": "gilt", "minus": "lotus", "where": {"culture": ["Tang", "Song"]}, "k": 10},
            ]
        }
    )

    text: Text | None = None
    minus: Text | None = None
    image: ImageForm | None = None
    box: BoxForm | None = None
    where: dict[StrictStr, Annotated[list[Text], Field(min_length=1, max_length=50)]] = Field(
        default_factory=dict, max_length=len(FIELDS), description=f"Field -> accepted values: {', '.join(FIELDS)}."
    )
    k: Annotated[StrictInt, Field(ge=1, le=MAX_K)] = 20
    offset: Annotated[StrictInt, Field(ge=0, le=MAX_K)] = 0
    plain: StrictBool = False

    def short(self) -> str:
        """As JSON without what is left as it is, for an address."""
        return self.model_dump_json(exclude_defaults=True, exclude_none=True)


class RegionTold(Told):
    image: str
    box: BoxForm


class HitTold(Told):
    """One record. `score` orders; `probability` is null where nothing tells; `reasons` add up to the score."""

    record_id: str
    title: str
    score: float
    probability: float | None
    guess: bool
    level: str
    region: RegionTold | None
    reasons: dict[str, float]
    image: str
    picture: str
    thumbnail: str


class UnderstoodTold(Told):
    """A concept that words of the question mean."""

    uri: str
    words: str
    label: str
    rule: str
    names: list[str]
    narrower: int


class AnswerTold(Told):
    """The hits of one page, best first. `message` says why there are none."""

    query: QueryForm
    understood: list[UnderstoodTold]
    hits: list[HitTold]
    more: bool
    message: str
    timing_ms: dict[str, float]


class ImageTold(Told):
    """A photograph of a record: its path as in the source, and the sha256 of its file."""

    path: str
    picture: str
    width: int
    height: int
    view: str | None
    thumbnail: str


class RecordTold(Told):
    """One catalogue entry. Texts are by language tag."""

    record_id: str
    title: str
    titles: dict[str, str]
    descriptions: dict[str, str]
    object_type: str | None
    materials: list[str]
    culture: str | None
    period: str | None
    motifs: list[str]
    themes: list[str]
    rights: str | None
    licence: str | None
    extra: dict[str, str]
    images: list[ImageTold]


class RecordLine(Told):
    """A record in a list."""

    record_id: str
    title: str


class RecordPage(Told):
    """`next` is what to give as `after` for the next page; null at the end."""

    records: list[RecordLine]
    next: str | None
    total: int


class PictureTold(Told):
    """A picture of the library, and the records that show it."""

    picture: str
    width: int
    height: int
    thumbnail: str
    records: list[RecordLine]


class UploadTold(Told):
    """Give `upload` as `image.upload` of a query."""

    upload: str
    width: int
    height: int
    thumbnail: str


class PlaceTold(Told):
    """Where on a picture the question is answered, by its heat map."""

    box: BoxForm


class FaultTold(Told):
    where: str
    what: str


class ProblemTold(Told):
    """RFC 9457 problem details. `code` is stable; `faults` name what is wrong with a request."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    faults: list[FaultTold] = []


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """For a route: the statuses that it answers with a problem, besides those that every route may."""
    always = (401, 403, 408, 413, 414, 415, 421, 422, 429, 431, 500, 503)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemTold"}}}
    return {code: {"description": "Problem", "content": content} for code in (*always, *codes)}
