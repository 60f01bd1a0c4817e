"""A model against a pack: texts and pictures asked for each other, labels pointed at, names given, chance beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.errors import SourceError
from sherd.evaluation.gallery import View, digest, fill, read_views
from sherd.evaluation.labels import BLIND, MODEL, SMALL_LABEL, label_queries, measure_labels
from sherd.evaluation.naming import COMMONEST, NAMED, RANDOM, measure_naming
from sherd.evaluation.report import DataFacts, Report
from sherd.evaluation.statistics import (
    CALIBRATION,
    CHANCE_CALIBRATION,
    CHANCE_RETRIEVAL,
    LOCALISATION,
    NAMING,
    RECALLS,
    RETRIEVAL,
)
from sherd.evaluation.table import Columns, Figures, QueryTable, column, differences, figures, joined
from sherd.ingest.library import Library
from sherd.ingest.progress import Reporter, Silent
from sherd.metrics import retrieval
from sherd.search.searcher import Searcher
from sherd.search.settings import SearchSettings
from sherd.suggest.suggest import read_looks
from sherd.types import Query

SERVED, OBJECT_ONLY, CHANCE = "retrieval", "retrieval_object_only", "chance"

_WORDLESS = SearchSettings(lexical=0)
"""As served, but for matching words: there are none, and the numbers that stand for identifiers must not count."""

Relevance = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextGroup:
    """The texts of one language, one an object, and what they are true of: (texts, pictures) bool."""

    texts: tuple[str, ...]
    objects: tuple[str, ...]
    relevant: Relevance


def evaluate(
    encoder: Encoder,
    data: Path,
    *,
    split: str | None = None,
    language: str | None = None,
    reporter: Reporter | None = None,
) -> Report:
    """Measure `encoder` on the pack folder `data`.

    The pictures are put into a library of their own, without their texts, and found by the search that serves users.
    Retrieval is averaged over the languages in which the records have texts. All but `seconds` is the same each time.

    Args:
        split: only records of this split (the pack's own word, else `train` or `heldout` by the training's rule).
        language: only texts in this language.
    Raises:
        SourceError: the folder is no pack, no record is in the split, no text in the language, or nothing in it can be
            measured.
    """
    started = time.monotonic()
    views, source, left_out = read_views(data, split=split, language=language)
    with TemporaryDirectory(prefix="sherd-evaluate-") as folder, Library.open(Path(folder), create=True) as library:
        usable = fill(library, source, views, encoder, reporter or Silent())
        if not usable:
            raise SourceError(f"{data}: none of its {len(views)} pictures can be opened")
        groups = text_groups([views[n] for n in usable])
        searcher = Searcher(library, encoder, settings=_WORDLESS)
        by_text = _retrieval(searcher, groups, usable, views) if groups else {}
        looks = read_looks(library, encoder.fingerprint)
        named = measure_naming(encoder, looks.objects, [views[int(name)] for name in looks.records])
    queries = label_queries(views, usable)
    if not groups and not queries and not named:
        raise SourceError(
            f"{data}: no record has a text or a labelled box, nor do two have different terms of one facet of the "
            "thesaurus, so there is nothing to measure"
        )
    rows: dict[str, QueryTable] = {}
    refused_masks = 0
    if queries:
        rows["all"], refused_masks = measure_labels(encoder, queries, source.root, views)
        small = np.nonzero(rows["all"].systems[MODEL][SMALL_LABEL] == 1)[0]
        if small.size:
            rows["small"] = rows["all"].rows(small)
    return Report(
        data=DataFacts(
            path=str(data),
            sha256=digest(source.root, [views[n] for n in usable]),
            split=split,
            records=len({views[n].record_id for n in usable}),
            pictures=len(usable),
            refused=len(views) - len(usable) + left_out.items,
            texts={code: len(group.texts) for code, group in groups.items()},
            labels=len(queries),
            masks=sum(bool(query.masks) for query in queries) - refused_masks,
            refused_masks=refused_masks,
            refused_boxes=left_out.boxes,
        ),
        model={"name": encoder.name, "fingerprint": encoder.fingerprint},
        retrieval=_all(by_text, SERVED),
        retrieval_object_only=_all(by_text, OBJECT_ONLY),
        localisation={row: figures(table, MODEL, LOCALISATION) for row, table in rows.items()},
        chance_retrieval={way: figures(table, CHANCE, CHANCE_RETRIEVAL) for way, table in by_text.items()},
        chance_localisation={
            row: {blind: figures(table, blind, LOCALISATION) for blind in BLIND} for row, table in rows.items()
        },
        over_location_prior={
            row: differences(table, MODEL, "location_prior", LOCALISATION) for row, table in rows.items()
        },
        naming={facet: figures(table, NAMED, NAMING) for facet, table in named.items()},
        calibration=_known({facet: figures(table, NAMED, CALIBRATION) for facet, table in named.items()}),
        chance_naming={
            facet: {blind: figures(table, blind, NAMING) for blind in (RANDOM, COMMONEST)}
            for facet, table in named.items()
        },
        chance_calibration=_known({facet: figures(table, NAMED, CHANCE_CALIBRATION) for facet, table in named.items()}),
        tables={
            **{way: table.of([SERVED, OBJECT_ONLY]) for way, table in by_text.items()},
            **({"labels": rows["all"].of([MODEL])} if rows else {}),
            **{f"{NAMED}.{facet}": table.of([NAMED]) for facet, table in named.items()},
        },
        seconds=time.monotonic() - started,
    )


def text_groups(views: Sequence[View]) -> dict[str, TextGroup]:
    """By language, the distinct texts of the views' objects.

    Relevant to a text are all views of its object, and all pictures of which the same is said word for word.
    """
    groups = {}
    for language in sorted({code for view in views for code in view.texts}):
        said = [view.texts.get(language) for view in views]
        by_object: dict[str, str] = {}
        for view, text in zip(views, said, strict=True):
            if text is not None:
                by_object.setdefault(view.record_id, text)
        owners = np.array(list(by_object), dtype=object)
        texts = np.array(list(by_object.values()), dtype=object)
        relevant = owners[:, None] == np.array([view.record_id for view in views], dtype=object)[None]
        relevant |= texts[:, None] == np.array(said, dtype=object)[None]
        groups[language] = TextGroup(tuple(by_object.values()), tuple(by_object), relevant.astype(bool))
    return groups


def _retrieval(
    searcher: Searcher, groups: Mapping[str, TextGroup], usable: Sequence[int], views: Sequence[View]
) -> dict[str, QueryTable]:
    """By way, the table of all languages with the systems as served, by object vectors alone, and chance."""
    place = {str(n): column for column, n in enumerate(usable)}
    ways: dict[str, list[QueryTable]] = {"text_to_image": [], "image_to_text": []}
    for language, group in groups.items():
        served = np.full(group.relevant.shape, -np.inf)
        objects = np.full(group.relevant.shape, -np.inf)
        for row, text in enumerate(group.texts):
            for one in searcher.rank(Query(text=text), len(usable)):
                served[row, place[one.record_id]] = one.score
                objects[row, place[one.record_id]] = one.reasons["object"]
        pictures = [views[n] for n in usable]
        ways["text_to_image"].append(_one_way(language, group.objects, group.objects, served, objects, group.relevant))
        ways["image_to_text"].append(
            _one_way(
                language,
                [view.image.path for view in pictures],
                [view.record_id for view in pictures],
                served.T,
                objects.T,
                group.relevant.T,
            )
        )
    return {way: joined(tables) for way, tables in ways.items()}


def _one_way(
    language: str, names: Sequence[str], objects: Sequence[str], served: Scores, plain: Scores, relevant: Relevance
) -> QueryTable:
    """The queries (rows) that have something relevant."""
    asked = np.nonzero(relevant.any(1))[0]
    relevant = relevant[asked]
    chance = {f"r@{k}": column(retrieval.chance_recalls(relevant, k)) for k in RECALLS}
    return QueryTable(
        query=tuple(f"{language}|{names[n]}" for n in asked.tolist()),
        object=tuple(objects[n] for n in asked.tolist()),
        group=(language,) * len(asked),
        systems={
            SERVED: _ranked(served[asked], relevant),
            OBJECT_ONLY: _ranked(plain[asked], relevant),
            CHANCE: {**chance, "ap": column(retrieval.chance_average_precisions(relevant))},
        },
    )


def _ranked(scores: Scores, relevant: Relevance) -> Columns:
    ranking = np.argsort(-scores, axis=1, kind="stable").astype(np.int64)
    ranking[np.isneginf(np.take_along_axis(scores, ranking, 1))] = -1
    return {
        "rank": column(retrieval.first_ranks(ranking, relevant)),
        "ap": column(retrieval.average_precisions(ranking, relevant)),
    }


def _all(tables: Mapping[str, QueryTable], system: str) -> dict[str, Figures]:
    return {way: figures(table, system, RETRIEVAL) for way, table in tables.items()}


def _known(of: Mapping[str, Figures]) -> dict[str, Figures]:
    return {facet: figures for facet, figures in of.items() if figures}
