"""The losses, as pure functions of tensors. Every one is a mean over what has a target, and 0 where nothing has."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def multi_positive(logits: Tensor, positive: Tensor, valid: Tensor | None = None) -> Tensor:
    """Softmax cross-entropy over the last axis with any number of right answers a row.

    Args:
        logits: (M, B) scaled similarities.
        positive: (M, B) bool, the right answers; a row without any is left out.
        valid: (M, B) bool, what takes part at all; None means everything. Unknown pairs are False.
    Returns:
        Scalar: mean over rows of minus the mean log-probability of the row's right answers.
    Source: Khosla et al. 2020, supervised contrastive learning, L_out.
    """
    if valid is not None:
        logits = logits.masked_fill(~(valid | positive), -1e4)
    log_p = functional.log_softmax(logits, dim=-1)
    hits = positive.sum(-1)
    rows = -(log_p * positive).sum(-1) / hits.clamp(min=1)
    return _mean_where(rows, hits > 0)


def object_loss(images: Tensor, texts: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Symmetric InfoNCE of B pictures (B, D) and captions (B, D); `same` (B, B) marks pairs that also belong together.

    Source: Radford et al. 2021; pairs that share an object or a caption are right answers, not negatives.
    """
    logits = scale * images @ texts.T
    return (multi_positive(logits, same) + multi_positive(logits.T, same.T)) / 2


def conditioned_scores(phrases: Tensor, patches: Tensor, sharpness: float = 12.0) -> Tensor:
    """Cosine of each phrase with what it attends to in each picture.

    Args:
        phrases: (M, D) unit vectors. patches: (B, N, D) unit vectors. sharpness: inverse temperature of the attention.
    Returns:
        (M, B) cosines. The attention sees one picture and one phrase only, so no other phrase can leak in.
    Source: text-conditioned pooling (Xiao et al. 2025, FLAIR), here with the shared space's own cosine as attention.
    """
    cosines = torch.einsum("md,bnd->mbn", phrases, patches)
    weights = (sharpness * cosines.float()).softmax(-1).to(patches.dtype)  # (M, B, N)
    # t . v / |v| with v = sum_n w_n p_n: the numerator needs no pooled vector; the norm needs one.
    pooled = torch.einsum("mbn,bnd->mbd", weights, patches)
    scores: Tensor = (weights * cosines).sum(-1) / pooled.float().norm(dim=-1).clamp(min=1e-6)
    return scores


def part_loss(phrases: Tensor, patches: Tensor, relevance: Tensor, known: Tensor, scale: Tensor) -> Tensor:
    """Phrase -> pictures: multi-positive softmax whose negatives are pictures *for the same phrase*.

    relevance (M, B) bool: the phrase is true of the picture; known (M, B) bool: we know whether it is.
    With the pictures shuffled against the phrases nothing is learnable: the loss is at least about log B.
    """
    return multi_positive(scale * conditioned_scores(phrases, patches), relevance, known)


def pool_regions(patches: Tensor, weights: Tensor) -> Tensor:
    """(R, D) unit mean of patch vectors (R, N, D) under weights (R, N) of 0 or more."""
    pooled = torch.einsum("rn,rnd->rd", weights, patches)
    return functional.normalize(pooled.float(), dim=-1)


def region_loss(regions: Tensor, phrases: Tensor, positive: Tensor, known: Tensor, scale: Tensor) -> Tensor:
    """Region vectors (R, D) against phrase vectors (R, D), both ways; positive and known (R, R) bool."""
    logits = scale * regions @ phrases.T
    return (multi_positive(logits, positive, known) + multi_positive(logits.T, positive.T, known.T)) / 2


def pointing_loss(phrases: Tensor, patches: Tensor, weights: Tensor, sharpness: Tensor) -> Tensor:
    """Minus the log of the attention that a phrase spends inside its region.

    Args:
        phrases: (R, D). patches: (R, N, D) of the picture that holds the region. weights: (R, N), share 0..1 of each
            cell inside the region. sharpness: inverse temperature.
    """
    log_p = (sharpness * torch.einsum("rd,rnd->rn", phrases, patches)).float().log_softmax(-1)
    inside = torch.logsumexp(log_p + weights.clamp(min=1e-6).log(), dim=-1)
    return _mean_where(-inside, weights.sum(-1) > 0)


def teacher_loss(student: Tensor, teacher: Tensor, seen: Tensor) -> Tensor:
    """1 - cosine between mapped features (B, h, w, C) and a teacher's, mean over cells where seen (B, h, w) is True."""
    return _mean_where(1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1), seen)


def _mean_where(values: Tensor, keep: Tensor) -> Tensor:
    return (values * keep).sum() / keep.sum().clamp(min=1)
