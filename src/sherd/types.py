"""The nouns that travel between the layers. Standard library and numpy only; batches are the unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument

FloatArray: TypeAlias = NDArray[np.float32]
KeyArray: TypeAlias = NDArray[np.int64]
Picture: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) upright sRGB, 0..255."""

MAX_QUERY_CHARS = 2_000
MAX_K = 1_000


class Level(StrEnum):
    """What of a relic was matched."""

    PART = "part"
    OBJECT = "object"
    THEME = "theme"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Box:
    """A box on an upright picture; x, y (top left), w, h in fractions 0..1.

    Raises:
        InvalidArgument: not finite, no area, or not inside the picture (1e-6 of rounding is forgiven).
    """

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.w, self.h)
        inside = self.x >= 0 and self.y >= 0 and self.x + self.w <= 1 + 1e-6 and self.y + self.h <= 1 + 1e-6
        if not (all(map(math.isfinite, values)) and self.w > 0 and self.h > 0 and inside):
            raise InvalidArgument(
                f"box {','.join(f'{v:g}' for v in values)} is not x,y,w,h in fractions 0..1 with some area"
            )


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled box on one image; `mask` names a PNG beside the source, `concept` a thesaurus name."""

    box: Box
    label: str | None = None
    mask: str | None = None
    concept: str | None = None


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One photograph of a record. `path` is as in the source: relative to its root, with forward slashes."""

    path: str
    regions: tuple[Region, ...] = ()
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One catalogue entry. Texts are by language tag ('zh', 'en', 'ja', or 'und' where nobody said)."""

    record_id: str
    images: tuple[SourceImage, ...]
    titles: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    object_type: str | None = None
    materials: tuple[str, ...] = ()
    culture: str | None = None
    period: str | None = None
    motifs: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    rights: str | None = None
    licence: str | None = None
    split: str | None = None
    captions: tuple[Caption, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title to show: the first one given, else the identifier."""
        return next(iter(self.titles.values()), self.record_id)


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence about the whole object; `style` names the template family."""

    language: str
    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words about one part. `region` indexes the regions of the record's first image, or is None."""

    text: str
    language: str
    region: int | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of a thesaurus, in the words of SKOS. Labels and notes are by language tag ('zh-Hans', 'en').

    broader: URIs, in the order of the source; several make the thesaurus a directed acyclic graph.
    facet: local name of the top concept that the first broader ones lead to; None until that is known.
    matches: 'exactMatch', 'closeMatch', 'broadMatch', 'narrowMatch', 'relatedMatch' -> URIs of other thesauri.
    scheme: URI of the thesaurus that it belongs to, where the source says so.
    """

    uri: str
    pref_labels: Mapping[str, str] = field(default_factory=dict)
    alt_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broader: tuple[str, ...] = ()
    notation: str | None = None
    facet: str | None = None
    scope_notes: Mapping[str, str] = field(default_factory=dict)
    matches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What an encoder makes of n pictures: unit-length float32.

    object: (n, D). parts: (n, K, D), or (n, 0, D) where the encoder has no parts.
    boxes: (n, K, 4) x, y, w, h in fractions of the upright picture.
    """

    object: FloatArray
    parts: FloatArray
    boxes: FloatArray

    def __len__(self) -> int:
        return int(self.object.shape[0])


@dataclass(frozen=True, slots=True)
class PartInfo:
    """What the catalogue keeps of one part file. `checksum`: 64 hex digits of blake2b over the file's content."""

    name: str
    rows: int
    dim: int
    parts_per_image: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Query:
    """The one form of a question, used by the command line, the API and the page.

    `image` is a picture (already opened), `box` the part of it that is meant. `where` maps a field to accepted values.
    `plain`: the text is looked for as it is, not also by what the thesaurus knows of it.
    """

    text: str | None = None
    minus: str | None = None
    image: Picture | None = None
    box: Box | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    k: int = 10
    plain: bool = False

    def __post_init__(self) -> None:
        if not (self.text and self.text.strip()) and self.image is None:
            raise InvalidArgument("a query needs a text, a picture, or both")
        if self.box is not None and self.image is None:
            raise InvalidArgument("a box needs the picture that it is drawn on")
        if not 1 <= self.k <= MAX_K:
            raise InvalidArgument(f"k is {self.k}; give 1 to {MAX_K}")
        for name, text in (("text", self.text), ("minus text", self.minus)):
            if text is not None and len(text) > MAX_QUERY_CHARS:
                raise InvalidArgument(f"the {name} has {len(text)} characters; {MAX_QUERY_CHARS} are allowed")


@dataclass(frozen=True, slots=True)
class HitRegion:
    """Where it matched: a box on one image of the record, and that image's path as in the source."""

    image: str
    box: Box


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` orders; `probability` is None until calibrated; `reasons` are named shares that add up to it.

    `image` is the path of the picture that is shown, as in the source; `sha256` names its thumbnail.
    """

    record_id: str
    title: str
    score: float
    level: Level
    region: HitRegion | None
    reasons: Mapping[str, float]
    image: str
    probability: float | None = None
    guess: bool = False
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A machine's word: a concept that a record may bear. Never a fact until a person accepts it.

    concept: URI of the deepest concept that is likely enough; leaf: of the likeliest one at or below it, which is the
    concept itself where that is likely enough. probability, leaf_probability: 0..1, None where nothing is known to
    judge by. region: where it is seen, for what is seen in a place; hot: share 0..1 of the picture that is as warm as
    half of the warmest. examples: (record id, cosine) of the nearest pictures that are known to bear the concept.
    path: URIs from the concept up to the top. catalogued: whether the record's own terms say so already.
    """

    record_id: str
    facet: str
    concept: str
    probability: float | None
    leaf: str
    leaf_probability: float | None
    level: Level
    image: str
    region: HitRegion | None = None
    hot: float | None = None
    examples: tuple[tuple[str, float], ...] = ()
    path: tuple[str, ...] = ()
    catalogued: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is suggested for one record in one facet, likeliest first; empty where the machine does not know.

    within: (URI, probability) of the concepts among which one that holds is with the chance `coverage`, None where too
    little is known of the collection to promise that. strange: the pictures are unlike all those that the
    probabilities were learnt from, so these promise nothing here.
    """

    record_id: str
    facet: str
    suggestions: tuple[Suggestion, ...]
    within: tuple[tuple[str, float], ...] | None
    coverage: float
    strange: bool = False


class Action(StrEnum):
    """What a person did with a suggestion, or without one."""

    ACCEPT = "accept"
    REJECT = "reject"
    NARROW = "narrow"
    """Another concept, below the one proposed."""
    OTHER = "other"
    """Another concept, or one that nobody proposed."""
    MOVE = "move"
    """The concept is right, its region is elsewhere."""
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word about one record: never changed; taking it back is another one.

    facet: of the concepts. concept: URI as proposed; None where nobody proposed any. value: URI that holds now; None
    where none does (rejected, undone). image, box: the picture (path as in the source) and the place as proposed;
    new_box: the place that holds now. model: fingerprint of the encoder that proposed, '' where none did. probability:
    as proposed. undoes: number of the decision that is taken back. at: UTC, ISO 8601.
    """

    record_id: str
    action: Action
    who: str
    at: str
    facet: str = ""
    concept: str | None = None
    value: str | None = None
    image: str | None = None
    box: Box | None = None
    new_box: Box | None = None
    model: str = ""
    probability: float | None = None
    undoes: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds by stage of one search."""

    encode: float
    index: float
    rerank: float
    catalogue: float
    total: float


@dataclass(frozen=True, slots=True)
class Understood:
    """A concept that words of a question mean, by which the search for words was widened.

    words: as asked. label, rule: which label it is, and how it was matched. names: what was also looked for, names of
    `narrower` narrower concepts among them.
    """

    uri: str
    words: str
    label: str
    rule: str
    names: tuple[str, ...]
    narrower: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and what they cost. `message` says why there are none, and is empty when there are some.

    `understood`: concepts that the text means; asking with `plain` leaves them out.
    """

    hits: tuple[Hit, ...]
    timing_ms: Timing
    message: str = ""
    understood: tuple[Understood, ...] = ()
