"""How likely it is that a hit is right: its score against what the question scores on middling pictures.

A cosine means one thing for one question and another for the next, so it is first set against the question's own mean
and spread over pictures of the collection drawn evenly; a rising curve makes a probability of that. The curves are
fitted on the collection itself (`sherd.suggest.trust`) and lie in its library: those of one collection are no good for
another (benchmarks/fit_confidence.py), so a library without them gives no probabilities.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.search.calibrate import Curve
from sherd.search.question import Question, clauses
from sherd.search.rerank import score
from sherd.search.sampling import evenly
from sherd.search.settings import SearchSettings
from sherd.types import KeyArray
from sherd.vectors.parts import write_durably
from sherd.vectors.rows import PartRows

MOST = 1_000
"""Pictures that a question is set against."""
LEAST = 30
"""Below so many pictures a collection is too small to tell what is middling."""
_SHORT_CHARS = 24


@dataclass(frozen=True, slots=True)
class Confidence:
    """Curves from a standardised score to a probability: for texts that name one thing, and for sentences."""

    names: Curve | None
    sentences: Curve | None

    def of(self, text: str, scores: NDArray[np.float64], middling: NDArray[np.float64]) -> list[float | None]:
        """Probabilities of scores (n,) of a text, against those of middling pictures (m,); None without a curve."""
        curve = self.names if names_one_thing(text) else self.sentences
        if curve is None:
            return [None] * len(scores)
        return [round(float(p), 4) for p in curve(standardised(scores, middling))]


def names_one_thing(text: str) -> bool:
    """Whether a text is a name and no sentence.

    >>> names_one_thing("taotie mask"), names_one_thing("a ding, with taotie masks on the belly")
    (True, False)
    """
    return len(text) <= _SHORT_CHARS and not clauses(text)


def standardised(scores: NDArray[np.float64], middling: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) scores in spreads above the mean of the middling ones (m,)."""
    return np.asarray((scores - middling.mean()) / max(float(middling.std()), 1e-6))


def middling_keys(rows: PartRows) -> KeyArray:
    """Keys of MOST pictures at most, drawn evenly."""
    return evenly(rows.keys, MOST)


def middling_scores(
    question: Question, rows: PartRows, keys: KeyArray, settings: SearchSettings
) -> NDArray[np.float64]:
    """(m,) what a question scores on these pictures."""
    objects, parts = rows.as_kept(keys)
    return score(question, objects, parts, sharpness=settings.sharpness, minus=settings.minus).total


class Curves:
    """The curves of a library for an encoder, taken up again when their file is another one. For any number of threads.

    Raises:
        CorruptData: the file is there and cannot be used.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint
        self._kept: tuple[tuple[int, ...], Confidence | None] = ((-1,), None)
        self.now()

    def now(self) -> Confidence | None:
        """As they are on the disk; None where there are none. Raises CorruptData."""
        try:
            stat = _file(self._folder, self._fingerprint).stat()
            stamp: tuple[int, ...] = stat.st_mtime_ns, stat.st_ino, stat.st_size
        except OSError:
            stamp = ()
        if self._kept[0] != stamp:
            self._kept = stamp, load_confidence(self._folder, self._fingerprint)
        return self._kept[1]


def load_confidence(folder: Path, fingerprint: str) -> Confidence | None:
    """The curves of a library for an encoder; None where there are none.

    Raises:
        CorruptData: the file is there and cannot be used.
    """
    file = _file(folder, fingerprint)
    if not file.exists():
        return None
    try:
        said = json.loads(file.read_text("utf-8"))
        return Confidence(_curve(said["names"]), _curve(said["sentences"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptData(f"{file}: cannot be used ({error!r}); `sherd check-up` makes it again") from error


def save_confidence(found: Confidence, folder: Path, fingerprint: str) -> Path:
    """Put the curves into the library, whole or not at all."""
    file = _file(folder, fingerprint)
    write_durably(file, [json.dumps(asdict(found), indent=1).encode(), b"\n"])
    return file


def _curve(said: dict[str, list[float]] | None) -> Curve | None:
    if said is None:
        return None
    return Curve(tuple(map(float, said["scores"])), tuple(map(float, said["probabilities"])))


def _file(folder: Path, fingerprint: str) -> Path:
    return folder / f"confidence-{fingerprint[:16]}.json"
