"""What an evaluation found, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

RECALLS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """Fractions 0..1. `recall`: by cut-off, the share of queries with something relevant that high. `map`: mean AP."""

    recall: Mapping[int, float]
    map: float

    def as_dict(self) -> dict[str, float]:
        return {**{f"r@{k}": round(value, 4) for k, value in self.recall.items()}, "map": round(self.map, 4)}


@dataclass(frozen=True, slots=True)
class BothWays:
    """Texts asking for pictures, and pictures asking for texts."""

    text_to_image: RetrievalFigures
    image_to_text: RetrievalFigures

    def as_dict(self) -> dict[str, dict[str, float]]:
        return {"text_to_image": self.text_to_image.as_dict(), "image_to_text": self.image_to_text.as_dict()}


@dataclass(frozen=True, slots=True)
class Localisation:
    """Fractions 0..1 over queries, each a label with a picture that holds it.

    pointing: the hottest spot is on the label. box_iou: overlap of the shown box with the best box of the label.
    """

    pointing: float
    box_iou: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class LocalisationChance:
    """Pointing without looking: anywhere, at the middle, and where the label usually is on the other pictures."""

    uniform: float
    centre: float
    location_prior: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What was measured on. `texts` by language; `labels` are label queries; `refused` pictures took no part."""

    path: str
    split: str | None
    records: int
    pictures: int
    refused: int
    texts: Mapping[str, int]
    labels: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured. Retrieval is None where no record has a text, localisation where none has a labelled box."""

    data: DataFacts
    model: Mapping[str, str]
    retrieval: BothWays | None
    retrieval_object_only: BothWays | None
    localisation: Localisation | None
    chance_retrieval: BothWays | None
    chance_localisation: LocalisationChance | None
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """The form of `sherd evaluate --json`."""
        chance: dict[str, object] = {}
        if self.chance_retrieval is not None:
            chance["retrieval"] = self.chance_retrieval.as_dict()
        if self.chance_localisation is not None:
            chance["localisation"] = self.chance_localisation.as_dict()
        return {
            "data": asdict(self.data),
            "model": dict(self.model),
            "retrieval": self.retrieval and self.retrieval.as_dict(),
            "retrieval_object_only": self.retrieval_object_only and self.retrieval_object_only.as_dict(),
            "localisation": self.localisation and self.localisation.as_dict(),
            "chance": chance,
            "seconds": round(self.seconds, 1),
        }
