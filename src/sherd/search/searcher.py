"""From a query to hits: encode, find candidates, score them by their parts, fuse in words, group views of one object.

`search` is `rank` with the places of the matches added, so what is measured is what is served.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from sherd.catalogue.catalogue import Shown
from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData, EncoderMismatch, InvalidArgument, LibraryError, RejectedItem
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.search.asked import About
from sherd.search.candidates import Candidates
from sherd.search.confidence import LEAST, load_confidence, middling_keys, middling_scores
from sherd.search.locate import box_from_heat
from sherd.search.question import Question, encode
from sherd.search.rerank import Scores, score
from sherd.search.settings import SearchSettings
from sherd.search.shared_lock import SharedLock
from sherd.search.stopwatch import Stopwatch
from sherd.types import Answer, Box, FloatArray, Hit, HitRegion, KeyArray, Level, Query, Understood
from sherd.vectors.faiss_index import IndexSettings

_log = logging.getLogger(__name__)
_WHOLE = Box(0, 0, 1, 1)
_DECIMALS = 6
_TRIES = 5
_MOST_TEXTS = 1_000
_MOST_KEPT = 50_000
"""Pictures of which it is kept who shows them; some 20 MB."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One record in its place: the picture of it that matched best, and the shares of its score."""

    record_id: str
    title: str
    image: str
    key: int
    best_part: int
    reasons: dict[str, float]

    @property
    def score(self) -> float:
        """The sum of the reasons."""
        return round(sum(self.reasons.values()), _DECIMALS)


class Searcher:
    """Answers queries over one library, for any number of threads at once: they share the vectors and indexes, and one
    of them at a time takes up what was committed, while the others wait.

    Args:
        library: opened for reading; an ingest may go on meanwhile, and what it commits is seen by the next search.
        encoder: the one that indexed the library.
        settings: weights and depths.
        index_settings: sizes from which the indexes are compressed.
    Raises:
        EncoderMismatch: another encoder indexed the library; both are named.
        CorruptData: a vector part is missing or altered.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        *,
        settings: SearchSettings | None = None,
        index_settings: IndexSettings | None = None,
    ) -> None:
        self.settings = settings or SearchSettings()
        self._library, self._catalogue, self._encoder = library, library.catalogue, encoder
        self._refuse_other_encoder()
        self._lock = SharedLock()
        self._kept_lock = threading.Lock()
        self._kept_words: dict[tuple[int, str, tuple[str, ...]], list[tuple[str, float]]] = {}
        self._kept: tuple[int, dict[int, list[Shown]]] = (-1, {})
        self._candidates = Candidates(library, encoder.fingerprint, index_settings)
        self._confidence = load_confidence(library.folder, encoder.fingerprint)

    @classmethod
    def open(cls, library: Library, model: str | None = None) -> Searcher:
        """A searcher with the encoder that indexed the library, loaded by the name the library keeps of it.

        Args:
            model: another encoder by name; refused unless it makes the same vectors.
        Raises:
            LibraryError: nothing has been indexed yet.
            ModelUnavailable: the encoder is not on this machine.
            EncoderMismatch, CorruptData: see the class.
        """
        name = model or library.catalogue.encoder_name()
        if library.catalogue.encoder_fingerprint() is None or name is None:
            raise LibraryError(
                f"{library.folder}: the library is empty; `sherd ingest SOURCE --library {library.folder}` puts "
                "pictures into it"
            )
        return cls(library, load_encoder(name))

    def __len__(self) -> int:
        """Pictures that can be found."""
        return len(self._candidates)

    @property
    def encoder(self) -> Encoder:
        """What turns questions into vectors."""
        return self._encoder

    def about(self, made: datetime) -> About:
        """For the head of a report: the library's folder, the encoder, how many pictures are searched, and the time."""
        encoder = f"{self._encoder.name} ({self._encoder.fingerprint[:12]})"
        return About(self._library.folder.absolute().name, encoder, len(self), made)

    def refresh(self) -> None:
        """See what was committed since; `search` and `rank` do so themselves.

        Raises:
            EncoderMismatch, CorruptData: as on opening.
        """
        self._refuse_other_encoder()
        if self._candidates.is_behind():
            with self._lock.alone():
                self._candidates.refresh()

    def search(
        self, query: Query, *, question: Question | None = None, skip: int = 0, refine: int | None = None
    ) -> Answer:
        """The best `query.k` records with the places where they match.

        Args:
            question: what `encode` made of the query, if that was done already.
            skip: so many of the best are left out: the pages before this one.
            refine: in place of the setting of this name.
        Raises:
            InvalidArgument: an unknown field in `where`, a query that cancels itself out, or `skip` below 0.
            EncoderMismatch, CorruptData: as on opening.
        """
        if skip < 0:
            raise InvalidArgument(f"skip is {skip}; give 0 or more")
        watch = Stopwatch()
        with watch.stage("encode"):
            asked = encode(query, self._encoder, self.settings) if question is None else question
        with watch.stage("catalogue"):
            meant = self._meant(query)
        finely = self.settings.refine if refine is None else refine

        def hits() -> tuple[Hit, ...]:
            ranked = self._rank(asked, query, skip + query.k, watch, meant)[skip:]
            with watch.stage("rerank"):
                likely = self._likely(asked, query, ranked)
                places = self._places(ranked)
                return tuple(
                    self._hit(asked, one, probability, place, refine=n < finely)
                    for n, (one, probability, place) in enumerate(zip(ranked, likely, places, strict=True))
                )

        found = self._on_one_state(watch, hits)
        return Answer(found, watch.timing(), "" if found else self._why_nothing(query, skip), meant)

    def rank(self, query: Query, k: int) -> list[Ranked]:
        """The best k records as `search` orders them, without the cost of locating (for evaluation; k may be large).

        Raises:
            See `search`.
        """
        watch, question, meant = Stopwatch(), encode(query, self._encoder, self.settings), self._meant(query)
        return self._on_one_state(watch, lambda: self._rank(question, query, k, watch, meant))

    def heat(self, question: Question, sha256: str) -> FloatArray:
        """(h, w) the cosine of each cell of a picture of the library with what is asked for.

        Raises:
            InvalidArgument: a whole picture was asked with, which is in no place.
            RejectedItem: there is no thumbnail of the picture.
        """
        if question.pointer is None:
            raise InvalidArgument("a whole picture is in no place; ask with a text, or with a box on the picture")
        try:
            picture = thumbnail_pixels(self._library.thumbnail(sha256).read_bytes())
        except FileNotFoundError:
            raise RejectedItem("file_missing", f"there is no thumbnail of {sha256}; run `sherd repair`") from None
        return self._encoder.heat(picture, question.pointer)

    def _meant(self, query: Query) -> tuple[Understood, ...]:
        if query.text is None or query.plain or self.settings.lexical == 0:
            return ()
        return self._catalogue.understood(query.text)

    def _on_one_state(self, watch: Stopwatch, work: Callable[[], T]) -> T:
        """What `work` gives on what is committed now, while nobody changes it."""
        for left in reversed(range(_TRIES)):
            generation = self._catalogue.generation()
            try:
                with watch.stage("catalogue"):
                    self.refresh()
                with self._lock.shared():
                    self._candidates.check()
                    return work()
            except CorruptData:
                # A writer may have merged parts and removed the old ones between our look at the catalogue and our
                # reading; then the catalogue has gone on.
                if not left or self._catalogue.generation() == generation:
                    raise
        raise AssertionError("unreachable")

    def _rank(
        self, question: Question, query: Query, k: int, watch: Stopwatch, meant: Sequence[Understood]
    ) -> list[Ranked]:
        with watch.stage("catalogue"):
            allowed = self._catalogue.live_keys(query.where) if query.where else None
            words, unwanted = self._words(question, query, [name for one in meant for name in one.names])
            extra = self._catalogue.picture_keys(list(words)) if words else np.empty(0, np.int64)
        count = max(self.settings.candidates, 2 * k)
        with watch.stage("index"):
            keys = self._candidates.nearest(question, count, self.settings.minus, allowed)
            keys = np.union1d(keys, extra[self._candidates.rows.has(extra)])
        if not keys.size:
            return []
        with watch.stage("rerank"):
            rows = self._candidates.rows
            scores = score(
                question,
                rows.object_vectors(keys),
                rows.part_vectors(keys),
                sharpness=self.settings.sharpness,
                minus=self.settings.minus,
            )
        with watch.stage("catalogue"):
            shown = self._catalogue.hits_for(keys, query.where) if query.where else self._shown(keys)
        with watch.stage("rerank"):
            return self._grouped(keys, scores, shown, words, unwanted, query)[:k]

    def _shown(self, keys: KeyArray) -> dict[int, list[Shown]]:
        """Who shows each picture. Kept until something is committed: the same pictures are near to many questions."""
        generation, kept = self._kept
        if generation != self._candidates.generation or len(kept) > _MOST_KEPT:
            kept = {}
            self._kept = self._candidates.generation, kept
        missing = [key for key in keys.tolist() if key not in kept]
        if missing:
            found = self._catalogue.hits_for(np.array(missing, np.int64))
            kept.update((key, found.get(key, [])) for key in missing)
        return kept

    def _lexical(
        self, text: str, where: Mapping[str, tuple[str, ...]], labels: tuple[str, ...]
    ) -> Sequence[tuple[str, float]]:
        """Records by their words. Kept for the last texts until something is committed: where a word stands in half of
        a large library, this is most of a search. What a filter lets through depends on decisions too: not kept."""
        if where:
            return self._catalogue.lexical(text, self.settings.lexical_candidates, where, labels)
        name = self._candidates.generation, text, labels
        with self._kept_lock:
            found = self._kept_words.pop(name, None)
        if found is None:
            found = self._catalogue.lexical(text, self.settings.lexical_candidates, None, labels)
        with self._kept_lock:
            self._kept_words[name] = found
            while len(self._kept_words) > _MOST_TEXTS:
                del self._kept_words[next(iter(self._kept_words))]
        return found

    def _words(
        self, question: Question, query: Query, names: Sequence[str]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Shares of the score by record id: for words that were asked for, and for words that are not wanted."""

        def shares(text: str | None, weight: float, labels: Sequence[str] = ()) -> dict[str, float]:
            if text is None or weight == 0:
                return {}
            found = self._lexical(text, query.where, tuple(labels))
            top = max((value for _, value in found), default=0.0)
            return {record_id: round(weight * value / top, _DECIMALS) for record_id, value in found if value > 0}

        wanted = shares(question.text, self.settings.lexical, names)
        return wanted, shares(question.minus_text, -self.settings.minus * self.settings.lexical)

    def _grouped(
        self,
        keys: KeyArray,
        scores: Scores,
        shown: dict[int, list[Shown]],
        words: dict[str, float],
        unwanted: dict[str, float],
        query: Query,
    ) -> list[Ranked]:
        """One entry a record, by its best picture; best first, equal scores by record id."""
        best: dict[str, tuple[tuple[float, str], int, Shown]] = {}
        totals = scores.total.tolist()
        for n, key in enumerate(keys.tolist()):
            for one in shown.get(key, []):
                place = (-totals[n], one.image)
                if one.record_id not in best or place < best[one.record_id][0]:
                    best[one.record_id] = place, n, one
        ranked = []
        for record_id, (_, n, one) in best.items():
            reasons = {
                "object": float(scores.object[n]),
                "part": float(scores.part[n]),
                "lexical": words.get(record_id, 0.0),
            }
            if query.minus:
                reasons["minus"] = round(float(scores.minus[n]) + unwanted.get(record_id, 0.0), _DECIMALS)
            ranked.append(Ranked(record_id, one.title, one.image, int(keys[n]), int(scores.best_part[n]), reasons))
        return sorted(ranked, key=lambda one: (-one.score, one.record_id))

    def _likely(self, question: Question, query: Query, ranked: Sequence[Ranked]) -> list[float | None]:
        """How likely each hit of a text is right by what is seen; None for other questions, and where nothing tells."""
        asked_by_text = query.text is not None and query.image is None and query.minus is None
        if self._confidence is None or not asked_by_text or question.text is None or len(self) < LEAST:
            return [None] * len(ranked)
        rows = self._candidates.rows
        middling = middling_scores(question, rows, middling_keys(rows), self.settings)
        seen = np.array([one.reasons["object"] + one.reasons["part"] for one in ranked], np.float64)
        return self._confidence.of(question.text, seen, middling)

    def _places(self, ranked: Sequence[Ranked]) -> list[tuple[str, Box | None]]:
        """Of each its picture's sha256, and the box of the part that matched best, where there are parts."""
        keys, rows = np.array([one.key for one in ranked], np.int64), self._candidates.rows
        boxes = np.clip(rows.boxes(keys), 0, 1) if rows.parts_per_image else np.zeros((len(ranked), 0, 4))
        found = []
        for n, (one, sha256) in enumerate(zip(ranked, rows.sha256(keys), strict=True)):
            box = None
            if one.best_part >= 0:
                x, y, w, h = boxes[n, one.best_part].tolist()
                box = Box(x, y, min(w, 1 - x), min(h, 1 - y))
            found.append((sha256, box))
        return found

    def _hit(
        self,
        question: Question,
        one: Ranked,
        probability: float | None,
        place: tuple[str, Box | None],
        *,
        refine: bool,
    ) -> Hit:
        sha256, part = place
        level = level_of(one.reasons, self.settings.level_margin)
        box = self._box(question, one, sha256, part, level, refine=refine)
        return Hit(
            record_id=one.record_id,
            title=one.title,
            score=one.score,
            level=level,
            region=HitRegion(one.image, box) if box is not None else None,
            reasons=one.reasons,
            image=one.image,
            probability=probability,
            guess=probability is not None and probability < self.settings.guess_below,
            sha256=sha256,
        )

    def _box(
        self, question: Question, one: Ranked, sha256: str, part: Box | None, level: Level, *, refine: bool
    ) -> Box | None:
        if question.pointer is None and (level is Level.OBJECT or part is None):
            return _WHOLE
        if refine and question.pointer is not None:
            try:
                picture = thumbnail_pixels(self._library.thumbnail(sha256).read_bytes())
                return box_from_heat(self._encoder.heat(picture, question.pointer), level=self.settings.refine_level)
            except (OSError, CorruptData, RejectedItem) as error:
                _log.warning("%s: no thumbnail to locate the match on (%s); run `sherd repair`", one.image, error)
        return part

    def _why_nothing(self, query: Query, skip: int) -> str:
        if skip:
            return "there is nothing more"
        if not len(self):
            return "the library is empty: `sherd ingest SOURCE --library DIR` puts pictures into it"
        if query.where:
            asked = ", ".join(f"{field}={'|'.join(values)}" for field, values in query.where.items())
            return f"none of the {len(self)} pictures of the library has {asked}"
        return "nothing found"

    def _refuse_other_encoder(self) -> None:
        indexed = self._catalogue.encoder_fingerprint()
        if indexed is not None and indexed != self._encoder.fingerprint:
            raise EncoderMismatch(
                f"the library was indexed with the encoder '{self._catalogue.encoder_name()}' ({indexed[:12]}), this "
                f"search uses '{self._encoder.name}' ({self._encoder.fingerprint[:12]}); search with that encoder, or "
                "run `sherd reindex --model` with this one"
            )


def level_of(reasons: dict[str, float], margin: float) -> Level:
    """Whether a part or the whole object carries the score, or both together do.

    Args:
        reasons: shares of a score.
        margin: the share of the visual score, 0.5..1, from which one of the two carries it.

    >>> level_of({"object": 0.1, "part": 0.5, "lexical": 0.0}, 0.6)
    <Level.PART: 'part'>
    """
    whole, part = max(reasons["object"], 0.0), max(reasons["part"], 0.0)
    if whole + part <= max(reasons["lexical"], 0.0) or abs(whole - part) <= (2 * margin - 1) * (whole + part):
        return Level.FUSED
    return Level.PART if part > whole else Level.OBJECT
