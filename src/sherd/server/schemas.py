"""The forms of requests and answers. Requests are strict: an unknown member, or a number in quotes, is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from sherd.catalogue.filters import FIELDS
from sherd.suggest.review import MAX_NOTE_CHARS
from sherd.types import MAX_K, MAX_QUERY_CHARS, Box

MAX_ID_CHARS = 1_000
_NO_CONTROLS = "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]"


def _sayable(text: str) -> str:
    """Refuses halves of a surrogate pair, which are no text and cannot be stored."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that is none")
    return text


_SAID = f"^{_NO_CONTROLS}*$"
"""A text without control characters, but for tabs and ends of lines."""
_WORDS = rf"^{_NO_CONTROLS}*[^\s\x00-\x1f\x7f-\x9f]{_NO_CONTROLS}*$"
"""The same, with something in it."""
_IsText = AfterValidator(_sayable)
Text = Annotated[StrictStr, Field(pattern=_WORDS, min_length=1, max_length=MAX_QUERY_CHARS), _IsText]
Uri = Annotated[StrictStr, Field(pattern=_WORDS, min_length=1, max_length=2_000), _IsText]
PicturePath = Annotated[StrictStr, Field(pattern=_SAID, min_length=1, max_length=4_096), _IsText]
RecordId = Annotated[StrictStr, Field(pattern=_SAID, min_length=1, max_length=MAX_ID_CHARS), _IsText]
Note = Annotated[StrictStr, Field(pattern=_SAID, max_length=MAX_NOTE_CHARS), _IsText]
_LETTERS = "A-Za-z0-9\u00c0-\u024f\u0400-\u04ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
PersonName = Annotated[StrictStr, Field(pattern=f"^[{_LETTERS}][{_LETTERS} .,'@()-]{{0,98}}$")]
Sha256 = Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
UploadName = Annotated[StrictStr, Field(pattern="^[0-9a-f]{32}$")]
if TYPE_CHECKING:
    FilterField = str
else:
    FilterField = Literal[*FIELDS]


def _whole(value: Any) -> Any:
    """10.0 is a whole number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_IsWhole = BeforeValidator(_whole)
Number = Annotated[StrictInt, Field(ge=0, le=2**53), _IsWhole]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]
Place = Annotated[float, Field(strict=True, ge=0, lt=1)]
Length = Annotated[float, Field(strict=True, gt=0, le=1)]


class Form(BaseModel):
    """What a client sends. What is not said is left out: null is no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, given: Any) -> Any:
        if isinstance(given, dict) and (empty := [str(name) for name, value in given.items() if value is None]):
            raise ValueError(f"{', '.join(empty)}: leave out what has no value")
        return given

    @model_serializer(mode="wrap")
    def _without_null(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]
        # no return type, or the schema of what is told would be that of any object
        return {name: value for name, value in handler(self).items() if value is not None}


class Told(BaseModel):
    """What the server tells."""

    model_config = ConfigDict(frozen=True)


class BoxForm(Form):
    """A box in fractions 0..1 of the upright picture; x, y is its top left corner. Beyond the edge it is cut off."""

    x: Place
    y: Place
    w: Length
    h: Length

    def box(self) -> Box:
        return Box(self.x, self.y, min(self.w, 1 - self.x), min(self.h, 1 - self.y))

    @classmethod
    def of(cls, box: Box) -> BoxForm:
        return cls(x=round(box.x, 6), y=round(box.y, 6), w=round(box.w, 6), h=round(box.h, 6))


class ImageForm(Form):
    """The picture of a query: one of the library by its sha256, or an uploaded one by the name it was given."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["picture"]}, {"required": ["upload"]}]})

    picture: Sha256 | SkipJsonSchema[None] = None
    upload: UploadName | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _one(self) -> ImageForm:
        if (self.picture is None) == (self.upload is None):
            raise ValueError("give picture or upload, one of the two")
        return self


class QueryForm(Form):
    """A query: the one JSON form of it, in requests, in answers and in the page's address.

    It has a text, a picture, or both. `box` is the part of the picture that is meant. 1,000 records are told at most.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["text"]}, {"required": ["image"]}],
            "dependentRequired": {"box": ["image"]},
            "examples": [
                {"text": "饕餮纹 on a tripod", "k": 20},
                {"text": "gilt", "minus": "lotus", "where": {"culture": ["Tang", "Song"]}, "k": 10},
            ],
        }
    )

    text: Text | SkipJsonSchema[None] = None
    minus: Text | SkipJsonSchema[None] = None
    image: ImageForm | SkipJsonSchema[None] = None
    box: BoxForm | SkipJsonSchema[None] = None
    where: dict[FilterField, Annotated[list[Text], Field(min_length=1, max_length=50)]] = Field(
        default_factory=dict, description="Field -> accepted values: any of a field, all of the fields."
    )
    k: Annotated[StrictInt, Field(ge=1, le=MAX_K), _IsWhole] = 20
    offset: Annotated[StrictInt, Field(ge=0, lt=MAX_K), _IsWhole] = 0
    plain: StrictBool = False

    @model_validator(mode="after")
    def _something(self) -> QueryForm:
        if self.text is None and self.image is None:
            raise ValueError("give a text, a picture, or both")
        if self.box is not None and self.image is None:
            raise ValueError("a box needs the picture that it is drawn on")
        return self

    @classmethod
    def nothing(cls) -> QueryForm:
        """A form that nobody has filled in: no query, but something to show and to fill in."""
        return cls.model_construct()

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


class ConceptName(Told):
    """A concept by its URI, with its preferred labels by language."""

    uri: str
    labels: dict[str, str]


class Example(Told):
    record_id: str
    likeness: float


class Likely(Told):
    concept: ConceptName
    probability: float


class SuggestionTold(Told):
    """A machine's word. See `sherd suggest` for what its numbers mean."""

    concept: ConceptName
    probability: float | None
    leaf: ConceptName
    leaf_probability: float | None
    level: str
    image: str
    region: RegionTold | None
    hot: float | None
    examples: list[Example]
    path: list[ConceptName]
    catalogued: bool


class ProposalTold(Told):
    """`within`: concepts among which one that holds is with the chance `coverage`; null where nothing is promised."""

    facet: str
    suggestions: list[SuggestionTold]
    within: list[Likely] | None
    coverage: float
    strange: bool


class SuggestionsTold(Told):
    """`seen`: number of the last decision about the record, 0 for none; `warnings` tell what the numbers rest on."""

    record_id: str
    seen: int
    facets: list[ProposalTold]
    warnings: list[str]


class _Deciding(Form):
    """What every decision says: the record, and the number of the last decision about it that was seen (0: none)."""

    record_id: RecordId
    seen: Number
    note: Note = ""


class _Placed(_Deciding):
    """One about a picture, or a box on it. model: fingerprint of what proposed it; probability: as proposed."""

    image: PicturePath | SkipJsonSchema[None] = None
    box: BoxForm | SkipJsonSchema[None] = None
    model: Annotated[StrictStr, Field(pattern="^[0-9a-f]{0,64}$")] = ""
    probability: Fraction | SkipJsonSchema[None] = None


class AcceptForm(_Placed):
    """The concept holds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"record_id": "1995.10", "action": "accept", "concept": "urn:sherd:taotie", "seen": 0}],
        }
    )

    action: Literal["accept"]
    concept: Uri


class RejectForm(_Placed):
    """The concept does not hold."""

    action: Literal["reject"]
    concept: Uri


class NarrowForm(_Placed):
    """A concept below the one that was proposed holds."""

    action: Literal["narrow"]
    concept: Uri
    value: Uri


class OtherForm(_Placed):
    """Another concept holds than the one proposed, or one that nobody proposed."""

    action: Literal["other"]
    concept: Uri | SkipJsonSchema[None] = None
    value: Uri


class MoveForm(_Deciding):
    """The concept holds, and is elsewhere."""

    action: Literal["move"]
    concept: Uri
    image: PicturePath
    box: BoxForm | SkipJsonSchema[None] = None
    new_box: BoxForm
    model: Annotated[StrictStr, Field(pattern="^[0-9a-f]{0,64}$")] = ""
    probability: Fraction | SkipJsonSchema[None] = None


class UndoForm(_Deciding):
    """A decision is taken back; undoing that brings it back."""

    action: Literal["undo"]
    undoes: Annotated[StrictInt, Field(ge=1, le=2**53), _IsWhole]


DecisionForm = Annotated[
    AcceptForm | RejectForm | NarrowForm | OtherForm | MoveForm | UndoForm, Field(discriminator="action")
]


class DecisionsForm(Form):
    """Decisions to be kept, all or none. `who`: whose they are, where no token tells it."""

    decisions: Annotated[list[DecisionForm], Field(min_length=1, max_length=500)]
    who: PersonName | SkipJsonSchema[None] = None


class DecisionTold(Told):
    """A decision as it is kept; `hash` chains it to the one before."""

    number: int
    record_id: str
    action: str
    who: str
    at: str
    facet: str
    concept: str | None
    value: str | None
    image: str | None
    box: BoxForm | None
    new_box: BoxForm | None
    model: str
    probability: float | None
    undoes: int | None
    note: str
    hash: str


class DecisionsTold(Told):
    decisions: list[DecisionTold]


class DecisionPage(Told):
    decisions: list[DecisionTold]
    next: int | None


class ThesaurusTold(Told):
    name: str
    imported: str
    concepts: int
    labels: int


class ThesauriTold(Told):
    thesauri: list[ThesaurusTold]


class ConceptLine(Told):
    """A concept by one of its labels; `how`: exact, prefix, words or near."""

    uri: str
    label: str
    language: str
    preferred: bool
    facet: str
    how: str
    labels: dict[str, str]


class ConceptLines(Told):
    concepts: list[ConceptLine]


class ConceptTold(Told):
    """One concept. `broader`: all above it, the nearest first; `narrower`: those right below it."""

    uri: str
    facet: str | None
    notation: str | None
    labels: dict[str, str]
    other_labels: dict[str, list[str]]
    notes: dict[str, str]
    matches: dict[str, list[str]]
    broader: list[ConceptName]
    narrower: list[ConceptName]


class RegionLine(Told):
    """`by`: catalogue or person; `who` and `decision` tell the person's word."""

    image: str
    picture: str
    box: BoxForm
    label: str | None
    concept: str | None
    by: str
    who: str | None
    decision: int | None


class RegionLines(Told):
    regions: list[RegionLine]


class JobForm(Form):
    """An ingest of a folder, or of a table in it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "ingest", "source": "photographs/2026"}]})

    kind: Literal["ingest"] = "ingest"
    source: RecordId


class JobTold(Told):
    """`state`: waiting, running, done, failed or stopped. `last`: what it told last."""

    number: int
    kind: str
    source: str
    who: str
    made: str
    state: str
    last: dict[str, Any]


class JobLines(Told):
    jobs: list[JobTold]


class SourcesTold(Told):
    sources: list[str]


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
