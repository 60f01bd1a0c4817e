"""From a query to hits: encode, find candidates, score them by their parts, fuse in words, group views of one object.

`search` is `rank` with the places of the matches added, so what is measured is what is served.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData, EncoderMismatch, InvalidArgument, LibraryError, RejectedItem
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.search.asked import About
from sherd.search.candidates import Candidates
from sherd.search.confidence import LEAST, Curves, middling_keys, middling_scores
from sherd.search.kept import Kept, KeptShown, ShownBy
from sherd.search.locate import box_from_heat
from sherd.search.question import Question, encode
from sherd.search.rerank import Float64Array, Scores, score
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
_MOST_PICTURES = 100_000
"""Of which it is kept who shows them."""
T = TypeVar("T")
Words = tuple[Sequence[tuple[str, float]], KeyArray]
"""(record id, score) of what has some words, and the keys of these records' pictures."""


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
        self._refuse_other_encoder(self._catalogue.stamp()[1])
        self._lock = SharedLock()
        self._kept_words = Kept[tuple[int, str, tuple[str, ...]], Words](_MOST_TEXTS)
        self._kept_meant = Kept[tuple[int, str], tuple[Understood, ...]](_MOST_TEXTS)
        self._kept_middling = Kept[tuple[int, str], Float64Array](_MOST_TEXTS)
        self._kept_shown = KeptShown(self._catalogue, _MOST_PICTURES)
        self._candidates = Candidates(library, encoder.fingerprint, index_settings)
        self._curves = Curves(library.folder, encoder.fingerprint)

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
        self._take_up(*self._catalogue.stamp())

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
        finely = self.settings.refine if refine is None else refine

        def hits() -> tuple[tuple[Hit, ...], tuple[Understood, ...]]:
            ranked, meant = self._rank(asked, query, skip + query.k, watch)
            ranked = ranked[skip:]
            with watch.stage("rerank"):
                likely = self._likely(asked, query, ranked)
                places = self._places(ranked)
                told = tuple(
                    self._hit(asked, one, probability, place, refine=n < finely)
                    for n, (one, probability, place) in enumerate(zip(ranked, likely, places, strict=True))
                )
            return told, meant

        found, meant = self._on_one_state(watch, hits)
        return Answer(found, watch.timing(), "" if found else self._why_nothing(query, skip), meant)

    def rank(self, query: Query, k: int) -> list[Ranked]:
        """The best k records as `search` orders them, without the cost of locating (for evaluation; k may be large).

        Raises:
            See `search`.
        """
        watch, question = Stopwatch(), encode(query, self._encoder, self.settings)
        return self._on_one_state(watch, lambda: self._rank(question, query, k, watch)[0])

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

    def _take_up(self, generation: int, indexed: str | None) -> None:
        """What was committed, where the catalogue has this generation and encoder now."""
        self._refuse_other_encoder(indexed)
        if generation != self._candidates.generation:
            with self._lock.alone():
                self._candidates.refresh()

    def _meant(self, query: Query) -> tuple[Understood, ...]:
        if query.text is None or query.plain or self.settings.lexical == 0:
            return ()
        name = self._candidates.generation, query.text
        found = self._kept_meant.get(name)
        if found is None:
            found = self._catalogue.understood(query.text)
            self._kept_meant.put(name, found)
        return found

    def _on_one_state(self, watch: Stopwatch, work: Callable[[], T]) -> T:
        """What `work` gives on what is committed now, while nobody changes it."""
        for left in reversed(range(_TRIES)):
            with watch.stage("catalogue"):
                generation, indexed = self._catalogue.stamp()
            try:
                with watch.stage("catalogue"):
                    self._take_up(generation, indexed)
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
        self, question: Question, query: Query, k: int, watch: Stopwatch
    ) -> tuple[list[Ranked], tuple[Understood, ...]]:
        """The best k, and what the words of the query were taken for."""
        with watch.stage("catalogue"):
            meant = self._meant(query)
            allowed = self._catalogue.live_keys(query.where) if query.where else None
            words, unwanted, extra = self._words(question, query, [name for one in meant for name in one.names])
        count = max(self.settings.candidates, 2 * k)
        with watch.stage("index"):
            keys = self._candidates.nearest(question, count, self.settings.minus, allowed)
            keys = np.union1d(keys, extra[self._candidates.rows.has(extra)])
        if not keys.size:
            return [], meant
        with watch.stage("rerank"):
            objects, parts = self._candidates.rows.as_kept(keys)
            scores = score(question, objects, parts, sharpness=self.settings.sharpness, minus=self.settings.minus)
        shown: dict[int, ShownBy] = {}
        for some, least in _in_lots(keys, scores.total, extra, 2 * k):
            with watch.stage("catalogue"):
                shown |= self._shown(some, query)
            with watch.stage("rerank"):
                ranked = _grouped(keys, scores, shown, words, unwanted if query.minus else None, k)
            if len(ranked) == k and ranked[-1].score > least:
                break
        return ranked, meant

    def _shown(self, keys: KeyArray, query: Query) -> dict[int, ShownBy]:
        """Who shows each picture, of the records that the filters let through."""
        if not query.where:
            return self._kept_shown.of(keys, self._candidates.generation)
        found = self._catalogue.hits_for(keys, query.where)
        return {key: tuple((one.record_id, one.title, one.image) for one in some) for key, some in found.items()}

    def _lexical(self, text: str, query: Query, labels: tuple[str, ...]) -> Words:
        """Records by their words. Kept for the last texts until something is committed: where a word stands in half of
        a large library, this is most of a search. What a filter lets through depends on decisions too: not kept."""
        name = self._candidates.generation, text, labels
        kept = None if query.where else self._kept_words.get(name)
        if kept is not None:
            return kept
        found = self._catalogue.lexical(text, self.settings.lexical_candidates, query.where or None, labels)
        keys = self._catalogue.picture_keys([record_id for record_id, value in found if value > 0])
        if not query.where:
            self._kept_words.put(name, (found, keys))
        return found, keys

    def _words(
        self, question: Question, query: Query, names: Sequence[str]
    ) -> tuple[dict[str, float], dict[str, float], KeyArray]:
        """Shares of the score by record id: for words that were asked for, and for words that are not wanted; and the
        keys of the pictures of the former."""

        def shares(text: str | None, weight: float, labels: Sequence[str] = ()) -> tuple[dict[str, float], KeyArray]:
            if text is None or weight == 0:
                return {}, np.empty(0, np.int64)
            found, keys = self._lexical(text, query, tuple(labels))
            top = max((value for _, value in found), default=0.0)
            return {record_id: round(weight * value / top, _DECIMALS) for record_id, value in found if value > 0}, keys

        wanted, keys = shares(question.text, self.settings.lexical, names)
        return wanted, shares(question.minus_text, -self.settings.minus * self.settings.lexical)[0], keys

    def _likely(self, question: Question, query: Query, ranked: Sequence[Ranked]) -> list[float | None]:
        """How likely each hit of a text is right by what is seen; None for other questions, and where nothing tells."""
        asked_by_text = query.text is not None and query.image is None and query.minus is None
        curves = self._curves.now()
        if curves is None or not asked_by_text or question.text is None or len(self) < LEAST:
            return [None] * len(ranked)
        name = self._candidates.generation, question.text
        middling = self._kept_middling.get(name)
        if middling is None:
            rows = self._candidates.rows
            middling = middling_scores(question, rows, middling_keys(rows), self.settings)
            self._kept_middling.put(name, middling)
        seen = np.array([one.reasons["object"] + one.reasons["part"] for one in ranked], np.float64)
        return curves.of(question.text, seen, middling)

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

    def _refuse_other_encoder(self, indexed: str | None) -> None:
        if indexed is not None and indexed != self._encoder.fingerprint:
            raise EncoderMismatch(
                f"the library was indexed with the encoder '{self._catalogue.encoder_name()}' ({indexed[:12]}), this "
                f"search uses '{self._encoder.name}' ({self._encoder.fingerprint[:12]}); search with that encoder, or "
                "run `sherd reindex --model` with this one"
            )


def _in_lots(keys: KeyArray, totals: Float64Array, extra: KeyArray, lot: int) -> Iterator[tuple[KeyArray, float]]:
    """Keys in the order in which they may come to be hits, and the best that any key after these can score.

    The catalogue is asked for a few at a time, since in a large one each is a read of the disk.

    Args:
        keys: (n,) ascending; totals: (n,) their visual scores.
        extra: keys of pictures whose records have words that were asked for; they come in the first lot. No other
            record gets more than its visual score.
        lot: how many keys come at once; each lot is twice as large as the one before.
    """
    order = np.argsort(-totals, kind="stable")
    worded = np.isin(keys, extra)
    order = np.concatenate([order[worded[order]], order[~worded[order]]])
    start, end = 0, int(np.count_nonzero(worded)) + lot
    while start < keys.size:
        least = float(totals[order[end]]) if end < keys.size else -np.inf
        yield keys[order[start:end]], least
        lot *= 2
        start, end = end, end + lot


def _grouped(
    keys: KeyArray,
    scores: Scores,
    shown: dict[int, ShownBy],
    words: dict[str, float],
    unwanted: dict[str, float] | None,
    k: int,
) -> list[Ranked]:
    """The best k records, each by its best picture; best first, equal scores by record id.

    Args:
        words, unwanted: shares of the score by record id; unwanted is None where nothing is unwanted.
    """
    best: dict[str, tuple[float, str, int, str]] = {}
    for n, (key, total) in enumerate(zip(keys.tolist(), scores.total.tolist(), strict=True)):
        for record_id, title, image in shown.get(key, ()):
            place = -total, image, n, title
            there = best.get(record_id)
            if there is None or place < there:
                best[record_id] = place
    objects, parts, away = scores.object.tolist(), scores.part.tolist(), scores.minus.tolist()
    order = []
    for record_id, (_, _, n, _) in best.items():
        said = objects[n] + parts[n] + words.get(record_id, 0.0)
        if unwanted is not None:
            said += round(away[n] + unwanted.get(record_id, 0.0), _DECIMALS)
        order.append((-round(said, _DECIMALS), record_id))
    ranked = []
    for _, record_id in sorted(order)[:k]:
        _, image, n, title = best[record_id]
        reasons = {"object": objects[n], "part": parts[n], "lexical": words.get(record_id, 0.0)}
        if unwanted is not None:
            reasons["minus"] = round(away[n] + unwanted.get(record_id, 0.0), _DECIMALS)
        ranked.append(Ranked(record_id, title, image, int(keys[n]), int(scores.best_part[n]), reasons))
    return ranked


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
