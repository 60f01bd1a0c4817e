"""The losses, as pure functions of tensors. Every one is a mean over what has a target, and 0 where nothing has."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


def multi_positive(logits: Tensor, positive: Tensor, valid: Tensor | None = None, *, smoothing: float = 0.0) -> Tensor:
    """Softmax cross-entropy over the last axis with any number of right answers a row.

    Args:
        logits: (M, B) scaled similarities.
        positive: (M, B) bool, or weights of 0 or more, of the right answers; a row without any is left out.
        valid: (M, B) bool, what takes part at all; None means everything. Unknown pairs are False.
        smoothing: share 0..1 of the target that is spread evenly over everything that takes part.
    Returns:
        Scalar: mean over rows of minus the mean log-probability of the row's right answers.
    Source: Khosla et al. 2020, supervised contrastive learning, L_out.
    """
    weights = positive.to(logits.dtype)
    taking_part = torch.ones_like(positive, dtype=torch.bool) if valid is None else valid | (weights > 0)
    log_p = functional.log_softmax(logits.masked_fill(~taking_part, -1e4), dim=-1)
    total = weights.sum(-1)
    rows = -(log_p * weights).sum(-1) / total.clamp(min=1e-6)
    if smoothing:
        evenly = -(log_p * taking_part).sum(-1) / taking_part.sum(-1).clamp(min=1)
        rows = (1 - smoothing) * rows + smoothing * evenly
    return mean_where(rows, total > 0)


def sigmoid_pairs(logits: Tensor, positive: Tensor, valid: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of every pair (M, B), summed over the last axis's mean number of columns.

    Source: Zhai et al. 2023, SigLIP, equation 1: the sum over all pairs divided by the number of rows; here rows
    without any valid pair are left out, so that padding costs nothing.
    """
    valid = torch.ones_like(positive, dtype=torch.bool) if valid is None else valid
    loss = functional.binary_cross_entropy_with_logits(logits, positive.to(logits.dtype), reduction="none")
    rows = (loss * valid).sum(-1)
    return mean_where(rows, valid.any(-1))


def object_loss(
    images: Tensor,
    texts: Tensor,
    same: Tensor,
    scale: Tensor,
    *,
    overlap: Tensor | None = None,
    soft: float = 0.0,
    smoothing: float = 0.0,
) -> Tensor:
    """Symmetric InfoNCE of B pictures (B, D) and captions (B, D); `same` (B, B) marks pairs that also belong together.

    Args:
        overlap: (B, B) share 0..1 of concepts that two pictures have in common. With `soft` > 0 that share of the
            target goes to other pictures by their overlap, and pairs above 0.9 are no negatives.
        smoothing: label smoothing 0..1 (Jia et al. 2021, ALIGN, use 0.1).
    Source: Radford et al. 2021; pairs that share an object or a caption are right answers, not negatives.
    """
    logits = scale * images @ texts.T
    target, valid = same.to(logits.dtype), None
    if overlap is not None and soft > 0:
        others = overlap * ~same
        target = target / target.sum(1, keepdim=True).clamp(min=1)
        spread = others / others.sum(1, keepdim=True).clamp(min=1e-6)
        # A picture that shares nothing with any other keeps its whole target.
        share = soft * (others.sum(1, keepdim=True) > 0)
        target = (1 - share) * target + share * spread
        valid = same | (overlap <= 0.9)
        target = target * valid
    return (
        multi_positive(logits, target, valid, smoothing=smoothing)
        + multi_positive(logits.T, target.T, None if valid is None else valid.T, smoothing=smoothing)
    ) / 2


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


def soft_maximum(cosines: Tensor, presence: Tensor | None = None, sharpness: float = 30.0) -> Tensor:
    """(M, B) mean of cosines (M, B, K) weighted by softmax(sharpness * cosine): the best slots or cells, as re-ranking.

    Args:
        presence: (B, K) 0..1; absent slots weigh little.
    The same as `conditioned_scores` without the pooled vector, at half the cost.
    """
    logits = sharpness * cosines.float()
    if presence is not None:
        logits = logits + presence.clamp(min=1e-3).log()
    return (logits.softmax(-1).to(cosines.dtype) * cosines).sum(-1)


def phrase_loss(scores: Tensor, relevance: Tensor, known: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Part loss over scores (M, B) of phrases and pictures, -1..1.

    Phrase -> pictures: multi-positive softmax whose negatives are pictures *for the same phrase*: nothing can be
    learnt from the text alone: with the pictures shuffled the loss is at least about log B. Picture -> phrases: a
    sigmoid a pair, at a tenth of the weight.
    relevance (M, B) bool: the phrase is true of the picture; known (M, B) bool: we know whether it is.
    """
    by_phrase = multi_positive(scale * scores, relevance, known)
    by_picture = sigmoid_pairs((scale * scores + bias).T, relevance.T, known.T)
    return by_phrase + 0.1 * by_picture


def pool_regions(patches: Tensor, weights: Tensor, image: Tensor) -> Tensor:
    """(R, D) unit mean of the patch vectors (B, N, D) of the pictures `image` (R,) under weights (R, N) of 0 or more.

    Regions of one picture are pooled by one product: copying the patches of each region would cost more than all else.
    """
    b, n, dim = patches.shape
    real = weights.sum(1) > 0
    before = (image[:, None] == image[None]) & real[None]
    place = torch.where(real, before.tril(-1).sum(1), 0)  # how many regions of the picture come earlier
    most = int(place.max()) + 1 if len(place) else 1
    row = image * most + place
    table = weights.new_zeros(b * most, n).index_add(0, row, weights)
    pooled = table.reshape(b, most, n).to(patches.dtype) @ patches  # (B, most, D)
    return functional.normalize(pooled.reshape(b * most, dim).index_select(0, row).float(), dim=-1)


def region_loss(regions: Tensor, phrases: Tensor, positive: Tensor, known: Tensor, scale: Tensor) -> Tensor:
    """Region vectors (R, D) against phrase vectors (R, D), both ways; positive and known (R, R) bool."""
    logits = scale * regions @ phrases.T
    return (multi_positive(logits, positive, known) + multi_positive(logits.T, positive.T, known.T)) / 2


def pointing_loss(cosines: Tensor, weights: Tensor, sharpness: Tensor) -> Tensor:
    """Minus the log of the attention that a phrase spends inside its region.

    Args:
        cosines: (R, N) of each region's phrase with the cells of the picture that holds it. weights: (R, N), share 0..1
            of each cell inside the region. sharpness: inverse temperature.
    """
    log_p = (sharpness * cosines.float()).log_softmax(-1)
    inside = torch.logsumexp(log_p + weights.clamp(min=1e-6).log(), dim=-1)
    return mean_where(-inside, weights.sum(-1) > 0)


class Regions(NamedTuple):
    """R regions: the picture (R,) that each is on, the phrase (R,) that names it, shares (R, h, w) of each cell inside,
    whether that is a mask or a box (R,) bool; same and known (R, R) bool: phrase j is true of region i, and whether
    that is known."""

    image: Tensor
    phrase: Tensor
    weights: Tensor
    exact: Tensor
    same: Tensor
    known: Tensor


def region_terms(
    phrases: Tensor,
    patches: Tensor,
    cosines: Tensor | None,
    masks: Tensor | None,
    regions: Regions,
    scale: Tensor,
) -> dict[str, Tensor]:
    """The terms that need regions, by name: `region`, `pointing` given cosines, `cover` given slots.

    Args:
        phrases: (M, D). patches: (B, N, D). cosines: (M, B, N) of both. masks: (B, K, N) slot shares 0..1.
    """
    b = len(patches)
    inside = regions.weights.flatten(1)
    pooled = pool_regions(patches, inside, regions.image)
    said = phrases.index_select(0, regions.phrase)
    terms = {"region": region_loss(pooled, said, regions.same, regions.known, scale)}
    if cosines is not None:
        # index_select: its gradient is several times cheaper than that of indexing
        rows = cosines.flatten(0, 1).index_select(0, regions.phrase * b + regions.image)  # (R, N)
        terms["pointing"] = pointing_loss(rows, inside, scale)
    if masks is not None:
        own = masks.float().index_select(0, regions.image).reshape(len(inside), -1, *regions.weights.shape[1:])
        terms["cover"] = cover_loss(own, regions.weights, regions.exact)
    return terms


def cover_loss(masks: Tensor, regions: Tensor, exact: Tensor) -> Tensor:
    """Pull the slot that covers a region best to its mask or its box.

    Args:
        masks: (R, K, h, w) slot shares 0..1 of the pictures that hold the regions. regions: (R, h, w) shares 0..1.
        exact: (R,) bool: the region is a mask; otherwise a box, of which only the shadows on both axes are compared.
    Returns:
        Mean of Dice + binary cross-entropy (masks), or of the Dice of both shadows (boxes).
    Source: Milletari et al. 2016 (Dice); Tian et al. 2021, BoxInst (shadows).
    """
    overlap = (masks.flatten(2) @ regions.flatten(1)[:, :, None])[:, :, 0]
    dice = 2 * overlap / (masks.sum((2, 3)) + regions.sum((1, 2))[:, None]).clamp(min=1e-6)
    best = dice.detach().argmax(1)
    at = best[:, None, None, None].expand(-1, 1, *masks.shape[2:])
    mask = masks.gather(1, at)[:, 0].clamp(1e-4, 1 - 1e-4)  # (R, h, w)
    entropy = -(regions * mask.log() + (1 - regions) * (1 - mask).log()).mean((1, 2))
    by_mask = 1 - dice.gather(1, best[:, None])[:, 0] + entropy
    by_box = (_dice(mask.amax(1), regions.amax(1)) + _dice(mask.amax(2), regions.amax(2))) / 2
    return mean_where(torch.where(exact, by_mask, 1 - by_box), regions.sum((1, 2)) > 0)


def mask_loss(masks: Tensor, background: Tensor, rows: int, columns: int, *, has_background: bool) -> Tensor:
    """How masks (B, K, N) should look: smooth, decided, with some background in every picture and every slot in use.

    Total variation + entropy over slots / log(K + 1) + (1 - highest background) + (1 - each slot's highest share in the
    batch); means over pictures, cells, slots.
    """
    everything = torch.cat([masks, background[:, None]], 1).float()
    picture = everything.reshape(*everything.shape[:2], rows, columns)
    steps = [picture.diff(dim=2), picture.diff(dim=3)]
    variation = torch.stack([step.abs().mean() for step in steps if step.numel()]).sum()
    entropy = mask_entropy(masks, background)
    unused = (1 - masks.float().amax((0, 2))).mean()
    empty = (1 - background.float().amax(1)).mean() if has_background else torch.zeros_like(unused)
    return variation + entropy + unused + empty


def mask_entropy(masks: Tensor, background: Tensor) -> Tensor:
    """Mean over cells of the entropy of their shares, 0 (each cell is one slot's) to 1 (evenly divided)."""
    shares = torch.cat([masks, background[:, None]], 1).float().clamp(min=1e-6)
    entropy: Tensor = -(shares * shares.log()).sum(1).mean() / torch.log(torch.tensor(float(shares.shape[1])))
    return entropy


def equivariance_loss(masks: Tensor, mirrored: Tensor) -> Tensor:
    """Mean squared difference of masks (B, K, h, w) and of those of the mirrored pictures, mirrored back."""
    return (masks - mirrored.flip(-1)).square().mean()


def redundancy_loss(parts: Tensor, floor: float = 0.2) -> Tensor:
    """Mean over pairs of slots of max(0, cos - floor) for parts (B, K, D) of unit length."""
    near = parts @ parts.transpose(1, 2)
    k = parts.shape[1]
    off = ~torch.eye(k, dtype=torch.bool, device=parts.device)
    return functional.relu(near[:, off] - floor).mean()


def covariance_loss(parts: Tensor, objects: Tensor) -> Tensor:
    """Mean squared cross-covariance over the batch of part vectors (B, K, D) and object vectors (B, D), times D."""
    b, _, dim = parts.shape
    centred = parts - parts.mean(0)
    whole = objects - objects.mean(0)
    cross = torch.einsum("bkd,be->kde", centred, whole) / max(1, b - 1)
    return cross.square().mean() * dim * dim


def teacher_loss(student: Tensor, teacher: Tensor, seen: Tensor) -> Tensor:
    """1 - cosine between mapped features (B, h, w, C) and a teacher's, mean over cells where seen (B, h, w) is True."""
    return mean_where(1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1), seen)


def _dice(one: Tensor, other: Tensor) -> Tensor:
    return 2 * (one * other).sum(-1) / (one.square().sum(-1) + other.square().sum(-1)).clamp(min=1e-6)


def mean_where(values: Tensor, keep: Tensor) -> Tensor:
    """Mean of `values` where `keep` is True; 0 where that is nowhere."""
    return (values * keep).sum() / keep.sum().clamp(min=1)
