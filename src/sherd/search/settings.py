"""Everything that can be turned in a search, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from sherd.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Weights and depths of a search. The score of a picture is

        object_weight * cos(query, object) + part_weight * softmax_over_parts(cos(query, part)) + lexical * words
        - minus * (the same for what is not wanted)

    and a record scores as its best picture. Weights of object and part differ by what was asked with.

    text_object, text_part: for a short text, which names one thing: at most 4 words; two Chinese characters are one.
    sentence_object, sentence_part: for a text of 12 words and more, which describes a whole; in between, in between.
    clauses_object, clauses_part: the same for one of several clauses, each of which is looked for in parts.
    picture_object, picture_part: for a whole picture.
    box_object, box_part: for a box drawn on a picture.
    text_share: how much of a question with both is the text; the rest is the picture or the box.
    lexical: for matching words in title and description; the best match of a question has all of it.
    minus: what the likeness to the unwanted takes away.
    sharpness: of the soft maximum over parts; 0 is the mean, large is the best part alone.
    candidates: pictures taken from each index, at least 2 * k.
    lexical_candidates: records taken from the full text.
    level_margin: the share of the visual score, 0.5..1, above which a hit is called a part or an object hit.
    refine: so many of the first hits get their box from a heat map; 0 leaves the boxes of the parts.
    guess_below: hits with a smaller probability, 0..1, are marked as guesses.
    refine_level: the height over the mean, as a fraction of the peak's, down to which cells belong to the box.
    """

    text_object: float = 0.3
    text_part: float = 0.7
    sentence_object: float = 0.9
    sentence_part: float = 0.1
    clauses_object: float = 0.5
    clauses_part: float = 0.5
    picture_object: float = 0.7
    picture_part: float = 0.3
    box_object: float = 0.1
    box_part: float = 0.9
    text_share: float = 0.5
    lexical: float = 0.15
    minus: float = 0.5
    sharpness: float = 30.0
    candidates: int = 200
    lexical_candidates: int = 100
    level_margin: float = 0.6
    refine: int = 10
    refine_level: float = 0.5
    guess_below: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value) or value < 0:
                raise InvalidArgument(f"search setting {field.name} is {value}; give a number of 0 or more")
        if max(self.text_share, self.refine_level, self.level_margin, self.guess_below) > 1:
            raise InvalidArgument(
                "search settings text_share, refine_level, level_margin and guess_below are fractions 0..1"
            )
        if self.candidates < 1:
            raise InvalidArgument("search setting candidates must be 1 or more")
