"""The score of a picture for a question, from its object vector and its part vectors. Pure functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.search.question import Question
from sherd.types import FloatArray, KeyArray

Float64Array = NDArray[np.float64]
Vectors = NDArray[np.float16] | FloatArray
_DECIMALS = 6
"""Scores are rounded, so that hits which differ by less than the arithmetic's own noise are ordered by record id."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of n pictures: shares of the score (n,), and the part that matched best (n,), -1 where pictures have no parts."""

    object: Float64Array
    part: Float64Array
    minus: Float64Array
    best_part: KeyArray

    @property
    def total(self) -> Float64Array:
        """(n,) the visual score."""
        return np.round(self.object + self.part + self.minus, _DECIMALS)


def score(question: Question, objects: Vectors, parts: Vectors, *, sharpness: float, minus: float) -> Scores:
    """How well n pictures answer `question`.

    Args:
        objects: (n, D) object vectors, float16 or float32.
        parts: (n, K, D) part vectors; where K is 0 the object stands for them.
        sharpness, minus: see `SearchSettings`.
    """
    # float64 and einsum without BLAS: a picture's score must not depend on which others it is scored with
    whole, pieces = objects.astype(np.float64), parts.astype(np.float64)
    if not pieces.shape[1]:
        pieces = whole[:, None, :]
    rows = question.parts.astype(np.float64)  # (Q, D)
    near = np.einsum("nkd,qd->nqk", pieces, rows)  # (n, Q, K)
    by_part = np.einsum("nq,q->n", soft_maximum(near, sharpness), question.shares.astype(np.float64))
    by_object = np.einsum("nd,d->n", whole, question.object.astype(np.float64))
    away = np.zeros(len(whole))
    if question.minus is not None:
        unwanted = question.minus.astype(np.float64)
        seen = soft_maximum(np.einsum("nkd,d->nk", pieces, unwanted), sharpness)
        away = question.object_weight * np.einsum("nd,d->n", whole, unwanted) + question.part_weight * seen
    if not parts.shape[1]:
        best_part = np.full(len(whole), -1, np.int64)
    elif question.pointer is not None:
        best_part = np.einsum("nkd,d->nk", pieces, question.pointer.astype(np.float64)).argmax(1)
    else:
        best_part = near.max(1).argmax(1)
    return Scores(
        np.round(question.object_weight * by_object, _DECIMALS),
        np.round(question.part_weight * by_part, _DECIMALS),
        np.round(-minus * away, _DECIMALS),
        best_part.astype(np.int64),
    )


def soft_maximum(values: Float64Array, sharpness: float) -> Float64Array:
    """Mean of `values` (..., K) weighted by softmax(sharpness * values): between their mean (0) and their maximum.

    >>> float(soft_maximum(np.array([0.0, 1.0]), 0.0)), round(float(soft_maximum(np.array([0.0, 1.0]), 1000.0)), 6)
    (0.5, 1.0)
    """
    weights = np.exp(sharpness * (values - values.max(-1, keepdims=True)))
    return np.asarray((weights * values).sum(-1) / weights.sum(-1))
