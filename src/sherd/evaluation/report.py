"""What an evaluation found, its JSON form, and what of it is read back to compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sherd.errors import SourceError
from sherd.evaluation.table import Figures, QueryTable, column
from sherd.metrics.bootstrap import DRAWS, LEVEL

BOOTSTRAP = {"level": LEVEL, "draws": DRAWS, "seed": 0}
_NAMES = ("query", "object", "group")


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What was measured on.

    sha256: over the texts and regions of the views that took part and the bytes of their pictures and masks.
    texts: by language. labels: label queries; masks: those of them with a mask. refused: pictures that took no part;
    refused_masks: label queries whose mask cannot be used; refused_boxes: boxes that are not inside their picture.
    """

    path: str
    sha256: str
    split: str | None
    records: int
    pictures: int
    refused: int
    texts: Mapping[str, int]
    labels: int
    masks: int
    refused_masks: int
    refused_boxes: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What of a report is needed to compare it: the data's digest, the model, and the values a query."""

    sha256: str
    model: Mapping[str, str]
    tables: Mapping[str, QueryTable]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured; figures are shares of queries, but `box_iou` and `energy`, which are shares of an area, and
    `tree_distance`, which is in steps.

    retrieval, retrieval_object_only, chance_retrieval: by way (text_to_image, image_to_text), then r@1, r@5, r@10, map.
    localisation: by row (all, small), then pointing, energy, box_iou, ap30, ap50 and, where there are masks, miou.
    chance_localisation: by row, by who does not look (uniform, centre, location_prior), the same.
    over_location_prior: by row, localisation less that of the location prior.
    naming: by facet, accuracy and the tree_distance of mistakes; chance_naming: by facet, by who does not look (random,
    commonest), the same. calibration: by facet, ece; chance_calibration: the same if the probabilities were true.
    All are empty where there was nothing to ask. tables: text_to_image, image_to_text, labels, naming.FACET; the values
    a query.
    """

    data: DataFacts
    model: Mapping[str, str]
    retrieval: Mapping[str, Figures]
    retrieval_object_only: Mapping[str, Figures]
    localisation: Mapping[str, Figures]
    chance_retrieval: Mapping[str, Figures]
    chance_localisation: Mapping[str, Mapping[str, Figures]]
    over_location_prior: Mapping[str, Figures]
    naming: Mapping[str, Figures]
    calibration: Mapping[str, Figures]
    chance_naming: Mapping[str, Mapping[str, Figures]]
    chance_calibration: Mapping[str, Figures]
    tables: Mapping[str, QueryTable]
    seconds: float

    @property
    def measured(self) -> Measured:
        """What `sherd.evaluation.compare` needs."""
        return Measured(self.data.sha256, self.model, self.tables)

    def as_dict(self, *, queries: bool = True) -> dict[str, Any]:
        """The form of `sherd evaluate --json`; without `queries` the values a query are left out."""
        found: dict[str, Any] = {
            "data": asdict(self.data),
            "model": dict(self.model),
            "bootstrap": BOOTSTRAP,
            "retrieval": _by_name(self.retrieval),
            "retrieval_object_only": _by_name(self.retrieval_object_only),
            "localisation": _by_name(self.localisation),
            "over_location_prior": _by_name(self.over_location_prior),
            "naming": _by_name(self.naming),
            "calibration": _by_name(self.calibration),
            "chance": {
                "retrieval": _by_name(self.chance_retrieval),
                "localisation": {row: _by_name(blind) for row, blind in self.chance_localisation.items()} or None,
                "naming": {facet: _by_name(blind) for facet, blind in self.chance_naming.items()} or None,
                "calibration": _by_name(self.chance_calibration),
            },
        }
        if queries:
            found["queries"] = {name: _table_as_dict(table) for name, table in self.tables.items()}
        return {**found, "seconds": round(self.seconds, 1)}


def read_measured(file: Path) -> Measured:
    """What a report in JSON holds for comparison.

    Args:
        file: a report, or what `sherd evaluate --json` printed, whose last line is one.
    Raises:
        SourceError: the file cannot be read, is no such report, or holds no values a query.
    """
    try:
        text = file.read_text("utf-8").strip()
        found = json.loads(text if "\n{" not in text else text.splitlines()[-1])
        tables = {name: _table_of(table) for name, table in found["queries"].items()}
        return Measured(found["data"]["sha256"], dict(found["model"]), tables)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{file}: no report with its values a query ({error!r}); `sherd evaluate --json` prints one"
        ) from error


def _by_name(figures: Mapping[str, Figures]) -> dict[str, dict[str, Any]] | None:
    return {one: {name: figure.as_dict() for name, figure in of.items()} for one, of in figures.items()} or None


def _table_as_dict(table: QueryTable) -> dict[str, Any]:
    systems = {
        system: {name: [_plain(value) for value in row.tolist()] for name, row in columns.items()}
        for system, columns in table.systems.items()
    }
    return {"query": list(table.query), "object": list(table.object), "group": list(table.group), "systems": systems}


def _plain(value: float) -> float | int | None:
    """Ranks and verdicts as whole numbers, what is not known as null."""
    if np.isnan(value):
        return None
    return int(value) if value == int(value) else value


def _table_of(found: Mapping[str, Any]) -> QueryTable:
    query, owner, group = (tuple(map(str, found[name])) for name in _NAMES)
    systems = {
        system: {name: column([np.nan if one is None else one for one in row]) for name, row in columns.items()}
        for system, columns in found["systems"].items()
    }
    lengths = {len(query), len(owner), len(group), *(len(row) for of in systems.values() for row in of.values())}
    if len(lengths) != 1:
        raise ValueError(f"columns of {sorted(lengths)} values")
    return QueryTable(query, owner, group, systems)
