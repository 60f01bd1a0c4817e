"""Suggestions for the records of a library: concepts of its thesauri, how likely, where, and why."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sherd.catalogue import concepts as stored
from sherd.catalogue import decisions
from sherd.catalogue.standings import standings
from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData, InvalidArgument, LibraryError, RejectedItem
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.search.concept_vectors import ConceptVectors, names_of
from sherd.search.locate import box_from_heat
from sherd.search.sampling import evenly
from sherd.suggest.evidence import Examples, Looks, gather_evidence, name_centres, nearest_examples
from sherd.suggest.known import ByFacet, Known, known_of
from sherd.suggest.learn import LEAST_CASES, FacetModel, Ladder, Truth, Values, chosen, fit_facet, guesses, truth_of
from sherd.suggest.novelty import Novelty
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus
from sherd.types import Box, FloatArray, HitRegion, Level, Proposal, Suggestion
from sherd.vectors.rows import PartRows

_LEVELS = {"motif": Level.PART, "theme": Level.THEME}
_PAGE = 500
MOST_TAUGHT = 20_000
"""Records that a facet's model is fitted on, taken evenly from all of which something is known."""
PLAIN_WEIGHTS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
"""To order by where nothing was fitted: names and likeness count alike."""


@dataclass(frozen=True, slots=True)
class SuggestSettings:
    """coverage: how often the set of a proposal shall hold what is true. at_least: the probability from which a concept
    is suggested; where a leaf does not reach it, the nearest broader one that does. most: suggestions a facet. refine:
    whether places come from heat maps; else they are the boxes of the parts. unjudged: suggest, in order and without a
    probability, where too little is known of the collection to have one; else the answer is that nobody knows."""

    coverage: float = 0.9
    at_least: float = 0.5
    most: int = 5
    refine: bool = True
    unjudged: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.coverage < 1 and 0 < self.at_least < 1):
            raise InvalidArgument(f"coverage {self.coverage} and at_least {self.at_least} are fractions inside 0..1")
        if self.most < 1:
            raise InvalidArgument(f"most is {self.most}; give 1 or more")


@dataclass(frozen=True)
class Taught:
    """The pictures of which something is known in a facet: what speaks for each concept, and what is true."""

    looks: Looks
    evidence: FloatArray
    truth: Truth


@dataclass(frozen=True)
class FacetView:
    """One facet of the thesaurus with all that its suggestions come from."""

    name: str
    concepts: ConceptVectors
    ladder: Ladder
    examples: Examples
    centres: FloatArray
    model: FacetModel | None = None
    novelty: Novelty | None = None

    @property
    def uris(self) -> list[str]:
        return [one.uri for one in self.concepts.concepts]


class Suggester:
    """Suggests for one library, in the state it was in when this was made.

    Args:
        library: opened.
        encoder: the one that indexed it.
        settings: thresholds.
    Raises:
        CorruptData: a vector part is missing or altered.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        *,
        settings: SuggestSettings | None = None,
    ) -> None:
        self.settings = settings or SuggestSettings()
        self._library, self.encoder = library, encoder
        self.thesaurus = thesaurus_of(library)
        self.standings = standings(decisions.everything(library.catalogue.database))
        self.looks = read_looks(library, encoder.fingerprint)
        self._views: dict[str, FacetView] = {}
        self._taught: dict[str, Taught | None] = {}

    @classmethod
    def open(cls, library: Library, *, settings: SuggestSettings | None = None) -> Suggester:
        """A suggester with the encoder that indexed the library.

        Raises:
            LibraryError: nothing has been indexed yet. ModelUnavailable: the encoder is not on this machine.
        """
        name = library.catalogue.encoder_name()
        if name is None:
            raise LibraryError(
                f"{library.folder}: the library is empty; `sherd ingest SOURCE --library {library.folder}` puts "
                "pictures into it"
            )
        return cls(library, load_encoder(name), settings=settings)

    def name(self, uri: str) -> str:
        """A concept's names in Chinese and English."""
        return " ".join(names_of(self.thesaurus.concept(uri))) or uri

    def warnings(self, facets: Sequence[str] | None = None) -> list[str]:
        """What must be known to take the probabilities for what they are, a sentence each."""
        found = []
        told = "; suggestions are in order only" if self.settings.unjudged else ", and nothing is suggested"
        for name in facets if facets is not None else self.facet_names:
            view = self.facet(name)
            if view.model is None:
                found.append(
                    f"{name}: fewer than {LEAST_CASES} records have a term of this facet that another has too, so it "
                    f"cannot be told how likely one is{told}. Decide about some, and it can"
                )
        return found

    def heed(self, records: Sequence[str]) -> None:
        """Take up what was decided about these records since this was made; what was learnt stays as it was."""
        told = decisions.about(self._library.catalogue.database, records)
        said = standings(kept for some in told.values() for kept in some)
        self.known.update(known_of(self._library.catalogue.get_many(records).values(), self.thesaurus, said))

    @cached_property
    def known(self) -> dict[str, ByFacet]:
        """By record, by facet: what the catalogue and people say."""
        ids = list(dict.fromkeys(self.looks.records))
        records = (
            record
            for start in range(0, len(ids), _PAGE)
            for record in self._library.catalogue.get_many(ids[start : start + _PAGE]).values()
        )
        return known_of(records, self.thesaurus, self.standings)

    @cached_property
    def facet_names(self) -> Mapping[str, Sequence[str]]:
        """By facet of the thesaurus, the URIs of its concepts below the top."""
        found: dict[str, list[str]] = defaultdict(list)
        for concept in self.thesaurus:
            if concept.broader:
                found[concept.facet or ""].append(concept.uri)
        return found

    def facet(self, name: str) -> FacetView:
        """One facet with its model fitted, once.

        Raises:
            InvalidArgument: there is no such facet.
        """
        if name not in self.facet_names:
            raise InvalidArgument(f"there is no facet {name!r}; there are {', '.join(self.facet_names)}")
        if name not in self._views:
            concepts = ConceptVectors.of(map(self.thesaurus.concept, self.facet_names[name]), self.encoder)
            self._views[name] = self._view(name, concepts)
        return self._views[name]

    def taught(self, view: FacetView) -> Taught | None:
        """What the model of a facet is fitted on, gathered once; None where nothing is known."""
        if view.name not in self._taught:
            self._taught[view.name] = self._gathered(view)
        return self._taught[view.name]

    def _gathered(self, view: FacetView) -> Taught | None:
        known = self._known_in(view.name)
        names = np.array(list(known), dtype=object)
        taught = set(names[evenly(np.arange(names.size), MOST_TAUGHT)].tolist())
        keep = np.array([n for n, record in enumerate(self.looks.records) if record in taught], np.int64)
        if not keep.size:
            return None
        looks = self.looks.rows(keep)
        evidence = gather_evidence(looks, view.concepts, view.examples, view.centres)
        right = [known[record].right for record in looks.records]
        wrong = [frozenset(known[record].wrong) for record in looks.records]
        return Taught(looks, evidence, truth_of(right, wrong, view.uris, view.ladder))

    def _known_in(self, facet: str) -> dict[str, Known]:
        return {record: by_facet[facet] for record, by_facet in self.known.items() if facet in by_facet}

    def _view(self, name: str, concepts: ConceptVectors) -> FacetView:
        ladder = Ladder.of([one.uri for one in concepts.concepts], self.thesaurus)
        examples = Examples.of(self.looks, {record: one.right for record, one in self._known_in(name).items()})
        view = FacetView(name, concepts, ladder, examples, name_centres(self.looks, concepts))
        taught = self.taught(view)
        model = None
        if taught is not None:
            model = fit_facet(taught.evidence, taught.truth, ladder, taught.looks.records)
        novelty = Novelty.of(taught.looks) if taught is not None and model is not None else None
        return replace(view, model=model, novelty=novelty)

    def shared_terms(self, records: Sequence[str], facet: str) -> list[tuple[str, float]]:
        """(URI, share 0..1 of `records`) of what is known of them in a facet, most frequent first."""
        known = (self.known.get(record, {}).get(facet, Known()).right for record in records)
        counts = Counter(uri for right in known for uri in right)
        return [(uri, round(count / len(records), 4)) for uri, count in counts.most_common()]

    def propose(
        self, records: Sequence[str] | None = None, facets: Iterable[str] | None = None
    ) -> dict[str, list[Proposal]]:
        """By record, a proposal a facet; all records of the library without `records`.

        What a person has decided about is not proposed again.

        Raises:
            InvalidArgument: a record is not in the library or shows no picture, or there is no such facet.
        """
        wanted = list(dict.fromkeys(records)) if records is not None else list(dict.fromkeys(self.looks.records))
        there = set(self.looks.records)
        if missing := [name for name in wanted if name not in there]:
            raise InvalidArgument(f"the library has no record {missing[0]!r} with a picture that was indexed")
        views = [self.facet(name) for name in (facets if facets is not None else self.facet_names)]
        found: dict[str, list[Proposal]] = {record: [] for record in wanted}
        for start in range(0, len(wanted), _PAGE):
            asked = set(wanted[start : start + _PAGE])
            keep = np.array([n for n, record in enumerate(self.looks.records) if record in asked], np.int64)
            looks = self.looks.rows(keep)
            for view in views:
                for proposal in self._of_facet(view, looks):
                    found[proposal.record_id].append(proposal)
        return found

    def _of_facet(self, view: FacetView, looks: Looks) -> Iterable[Proposal]:
        evidence = gather_evidence(looks, view.concepts, view.examples, view.centres)
        if view.model is not None:
            scores = view.model.scores(evidence, view.ladder)
        else:
            scores = view.ladder.lifted((evidence @ np.array(PLAIN_WEIGHTS)).astype(np.float64))
        strange = view.novelty.strange(looks) if view.novelty is not None else np.zeros(len(looks), bool)
        rows: dict[str, list[int]] = defaultdict(list)
        for n, record in enumerate(looks.records):
            rows[record].append(n)
        for record, mine in rows.items():
            best = np.asarray(scores[mine]).argmax(0)  # (C,) the picture that speaks most for each concept
            score = np.asarray(scores[mine]).max(0)
            row = score if view.model is None else view.model.probabilities(score[None], view.ladder)[0]
            known = self.known.get(record, {}).get(view.name, Known())
            picked = self._chosen(view, row, known)
            yield Proposal(
                record,
                view.name,
                tuple(
                    self._suggestion(view, looks, mine[int(best[leaf])], concept, leaf, row, known)
                    for concept, leaf in picked
                ),
                self._within(view, score, row),
                self.settings.coverage,
                strange=bool(strange[mine].all()),
            )

    def _chosen(self, view: FacetView, row: Values, known: Known) -> list[tuple[int, int]]:
        """(concept, the likeliest leaf at or below it) of what is suggested, likeliest first.

        Not what a person accepted, nor what follows from that, nor anything below what a person refused.
        """
        uris, ladder = view.uris, view.ladder
        by_person = {above for uri in known.by_person & known.right.keys() for above in self.thesaurus.steps_up(uri)}
        settled = np.array([uri in by_person for uri in uris])
        skipped = np.array([uri in known.wrong for uri in uris])
        if skipped.any():
            skipped |= ladder.below(skipped[None])[0]
        if view.model is not None:
            found = chosen(row, ladder, self.settings.at_least, settled=settled, skipped=skipped)
        elif self.settings.unjudged:
            found = guesses(row, ladder, self.settings.most, skipped=settled | skipped)
        else:
            found = []
        leaves = [ladder.leaves[c] for c in found[: self.settings.most]]
        return [(c, int(some[row[some].argmax()])) for c, some in zip(found, leaves, strict=False)]

    def _within(self, view: FacetView, score: Values, row: Values) -> tuple[tuple[str, float], ...] | None:
        if view.model is None:
            return None
        threshold = view.model.threshold(self.settings.coverage)
        if math.isinf(threshold):
            return None
        uris = view.uris
        inside = [n for n in np.argsort(-score, kind="stable").tolist() if score[n] >= threshold]
        # A concept stands for those above it.
        above = {higher for n in inside for higher in view.ladder.above[n]}
        return tuple((uris[n], round(float(row[n]), 4)) for n in inside if n not in above)

    def _suggestion(
        self, view: FacetView, looks: Looks, picture: int, concept: int, leaf: int, row: Values, known: Known
    ) -> Suggestion:
        uris = view.uris
        level = _LEVELS.get(view.name, Level.OBJECT)
        region, hot = None, None
        if level is Level.PART:
            region, hot = self._place(view, looks, picture, leaf)
        judged = view.model is not None
        up = self.thesaurus.steps_up(uris[concept])
        return Suggestion(
            record_id=looks.records[picture],
            facet=view.name,
            concept=uris[concept],
            probability=round(float(row[concept]), 4) if judged else None,
            leaf=uris[leaf],
            leaf_probability=round(float(row[leaf]), 4) if judged else None,
            level=level,
            image=looks.images[picture],
            region=region,
            hot=hot,
            examples=tuple(
                (name, round(cosine, 4))
                for name, cosine in nearest_examples(
                    looks.objects[picture], view.examples, uris[leaf], looks.records[picture]
                )
            ),
            path=tuple(sorted((uri for uri in up if up[uri]), key=lambda uri: (up[uri], uri))),
            catalogued=any(uris[concept] in self.thesaurus.steps_up(uri) for uri in known.right),
        )

    def _place(self, view: FacetView, looks: Looks, picture: int, leaf: int) -> tuple[HitRegion | None, float | None]:
        """Where a concept is on a picture: from its heat map, else the box of the part that is most like it."""
        vector = view.concepts.vectors[leaf]
        if self.settings.refine:
            (sha256,) = self._rows.sha256(looks.keys[picture : picture + 1])
            try:
                pixels = thumbnail_pixels(self._library.thumbnail(sha256).read_bytes())
                heat = self.encoder.heat(pixels, vector)
                level = heat.mean() + 0.5 * (heat.max() - heat.mean())
                return HitRegion(looks.images[picture], box_from_heat(heat)), round(float((heat >= level).mean()), 4)
            except (OSError, CorruptData, RejectedItem):
                pass  # without its thumbnail a picture still has the boxes of its parts
        if not looks.boxes.shape[1]:
            return None, None
        part = int((looks.parts[picture] @ vector).argmax())
        x, y, w, h = np.clip(looks.boxes[picture, part], 0, 1).tolist()
        return HitRegion(looks.images[picture], Box(x, y, min(w, 1 - x), min(h, 1 - y))), None

    @cached_property
    def _rows(self) -> PartRows:
        return _part_rows(self._library, self.encoder.fingerprint)


def thesaurus_of(library: Library) -> Thesaurus:
    """The thesauri of a library as one; Sherd's own where it has none."""
    found = stored.everything(library.catalogue.database)
    return Thesaurus.from_concepts(found) if found else builtin_thesaurus()


def read_looks(library: Library, fingerprint: str) -> Looks:
    """Every picture that a record shows, once for each record, by record and path."""
    rows = _part_rows(library, fingerprint)
    shown = library.catalogue.hits_for(rows.keys)
    places = sorted((one.record_id, one.image, key) for key, some in shown.items() for one in some)
    keys = np.array([key for _, _, key in places], np.int64)
    objects, parts, boxes = rows.object_vectors(keys), rows.part_vectors(keys), rows.boxes(keys)
    if not parts.shape[1]:
        parts, boxes = objects[:, None], np.tile(np.array([0, 0, 1, 1], np.float32), (len(keys), 1, 1))
    return Looks(
        keys,
        tuple(record for record, _, _ in places),
        tuple(image for _, image, _ in places),
        objects,
        parts,
        boxes,
    )


def _part_rows(library: Library, fingerprint: str) -> PartRows:
    table = library.catalogue.vector_table()
    return PartRows(library.parts(fingerprint), *table.located)
