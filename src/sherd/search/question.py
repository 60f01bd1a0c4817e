"""A query in vectors: what the encoder makes of a text, a picture or a box, and how they are put together."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sherd.encoder.protocol import Encoder
from sherd.errors import InvalidArgument
from sherd.search.settings import SearchSettings
from sherd.types import FloatArray, Query

_SHORT, _LONG = 4, 12
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_CLAUSE = re.compile(r"[,;:()，、；：（）。.]|\b(?:with|and|including|featuring)\b|和|与|及", re.IGNORECASE)
_MOST_CLAUSES = 16
_WHITE = "　 \t\r\n"


@dataclass(frozen=True, slots=True)
class Question:
    """One encoded query.

    object: (D,) unit vector that is compared with object vectors.
    parts: (Q, D) unit vectors that are compared with part vectors, and their shares (Q,), which add up to 1.
    pointer: (D,) unit vector of what is to be shown on a hit; None for a whole picture.
    minus: (D,) unit vector of what is not wanted, or None.
    """

    object: FloatArray
    parts: FloatArray
    shares: FloatArray
    pointer: FloatArray | None
    minus: FloatArray | None
    object_weight: float
    part_weight: float
    text: str | None
    minus_text: str | None

    def candidate_vectors(self, minus_weight: float) -> tuple[FloatArray, FloatArray | None]:
        """Vectors to ask the object index and the part index for; the second is None for a whole picture.

        What is not wanted is taken away here too, so that candidates without it are among the first.
        """
        if self.minus is None:
            return self.object, self.pointer
        away = np.float32(minus_weight) * self.minus
        return unit(self.object - away), None if self.pointer is None else unit(self.pointer - away)


def texts_of(query: Query) -> list[str]:
    """The texts that `encode` asks the encoder for: the question, what is not wanted, and its clauses."""
    text, minus = _cleaned(query.text), _cleaned(query.minus)
    return [*(t for t in (text, minus) if t is not None), *(clauses(text) if text is not None else [])]


def encode(query: Query, encoder: Encoder, settings: SearchSettings) -> Question:
    """The question that `query` asks.

    Text and picture are two voices: as object they are the weighted sum of the two unit vectors, brought back to length
    1; as parts each keeps its own vectors and its share of the score. A text is looked for clause by clause, each in
    the parts that are most like it; a picture is asked with all its parts, a box with the vector of what is inside it.

    Raises:
        InvalidArgument: the encoder made something that is not a unit vector of it.
    """
    text, minus = _cleaned(query.text), _cleaned(query.minus)
    pieces = clauses(text) if text is not None else []
    texts = texts_of(query)
    rows = _checked(encoder.encode_text(texts)) if texts else np.zeros((0, encoder.dim), np.float32)
    rows, by_clause = np.split(rows, [len(rows) - len(pieces)])
    text_share = 0.0 if text is None else settings.text_share if query.image is not None else 1.0
    voices = []
    if text_share > 0:
        assert text is not None
        parts = by_clause if len(pieces) else rows[:1]
        voices.append(_Voice(text_share, rows[0], rows[0], parts, *text_weights(text, settings)))
    if query.image is not None and text_share < 1:
        voices.append(_picture_voice(query, encoder, settings, 1 - text_share))
    pointing = [voice.share * voice.pointer for voice in voices if voice.pointer is not None]
    return Question(
        object=unit(np.sum([voice.share * voice.object for voice in voices], axis=0)),
        parts=np.concatenate([voice.parts for voice in voices]),
        shares=np.concatenate([np.full(len(voice.parts), voice.share / len(voice.parts)) for voice in voices]),
        pointer=unit(np.sum(pointing, axis=0)) if pointing else None,
        minus=rows[-1] if minus is not None else None,
        object_weight=sum(voice.share * voice.object_weight for voice in voices),
        part_weight=sum(voice.share * voice.part_weight for voice in voices),
        text=text,
        minus_text=minus,
    )


@dataclass(frozen=True, slots=True)
class _Voice:
    """The text, or the picture, of a query. `pointer`: what of it means a place, None where it means the whole."""

    share: float
    object: FloatArray
    pointer: FloatArray | None
    parts: FloatArray
    object_weight: float
    part_weight: float


def _picture_voice(query: Query, encoder: Encoder, settings: SearchSettings, share: float) -> _Voice:
    assert query.image is not None
    if query.box is not None:
        inside = _checked(encoder.encode_boxes(query.image, [query.box]))
        return _Voice(share, inside[0], inside[0], inside, settings.box_object, settings.box_part)
    made = encoder.encode_images([query.image])
    whole = _checked(made.object)
    parts = _checked(made.parts[0]) if made.parts.shape[1] else whole
    return _Voice(share, whole[0], None, parts, settings.picture_object, settings.picture_part)


def clauses(text: str) -> list[str]:
    """The clauses of a text, 16 at most; none where it is a single one.

    >>> clauses("zun with cicada blades on the belly, and a kui dragon")
    ['zun', 'cicada blades on the belly', 'a kui dragon']
    >>> clauses("饕餮纹")
    []
    """
    found = [piece.strip(_WHITE) for piece in _CLAUSE.split(text)]
    found = list(dict.fromkeys(piece for piece in found if len(piece) > 1))[:_MOST_CLAUSES]
    return found if len(found) > 1 else []


def text_weights(text: str, settings: SearchSettings) -> tuple[float, float]:
    """Weights of object and part for a text: what names one motif is looked for in parts, a sentence in the whole, one
    of several clauses in both.

    >>> text_weights("饕餮纹", SearchSettings())
    (0.3, 0.7)
    >>> text_weights("a ritual vessel of the late Shang dynasty found in a tomb at Anyang", SearchSettings())
    (0.9, 0.1)
    >>> text_weights("a ding of the late Shang with taotie masks on a ground of spirals", SearchSettings())
    (0.5, 0.5)
    """
    several = bool(clauses(text))
    sentence_object = settings.clauses_object if several else settings.sentence_object
    sentence_part = settings.clauses_part if several else settings.sentence_part
    words = len(_LATIN.findall(text)) + len(_WIDE.findall(text)) / 2
    long = min(max((words - _SHORT) / (_LONG - _SHORT), 0.0), 1.0)
    return (
        (1 - long) * settings.text_object + long * sentence_object,
        (1 - long) * settings.text_part + long * sentence_part,
    )


def unit(vector: FloatArray) -> FloatArray:
    """`vector` (D,) at length 1. Raises InvalidArgument for a zero vector: it asks for nothing."""
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        raise InvalidArgument("the parts of this query cancel each other out; ask for less at once")
    return np.asarray(vector / length, np.float32)


def _checked(vectors: FloatArray) -> FloatArray:
    if not np.isfinite(vectors).all():
        raise InvalidArgument("the encoder gave NaN or Inf for this query; check the model with `sherd models verify`")
    return vectors


def _cleaned(text: str | None) -> str | None:
    return text.strip(_WHITE) or None if text is not None else None
