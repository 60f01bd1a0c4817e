"""One batch through the model, to one loss with every term by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sherd.model.dual import DualEncoder
from sherd.training import losses
from sherd.training.batches import Batch


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of each term; 0 switches it off."""

    object: float = 1.0
    part: float = 1.0
    region: float = 1.0
    pointing: float = 0.3
    teacher: float = 0.5


def objective(model: DualEncoder, batch: Batch, weights: Weights) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The weighted sum, and each term before weighting.

    The text tower runs once over captions and once over phrases; patches are shared by all local terms.
    """
    scales = model.scales()
    # bfloat16 for the networks and the one large product; logits of the other losses need float32's digits.
    with torch.autocast("cpu", torch.bfloat16):
        fused, sixteenth = model.image.features(batch.pictures)
        objects, patches = model.image.heads(fused, sixteenth)  # (B, D), (B, h, w, D)
        captions = model.text(batch.caption_ids)  # (B, D)
        phrases = model.text(batch.phrase_ids) if len(batch.phrase_ids) else None  # (M, D)
    b, h, w, dim = patches.shape
    terms = {"object": losses.object_loss(objects, captions, batch.same, scales[0])}
    if phrases is not None:
        flat = patches.reshape(b, h * w, dim)
        half = (phrases.bfloat16(), flat.bfloat16())
        terms["part"] = losses.part_loss(*half, batch.relevance, batch.known, scales[1])
        if len(batch.region_image):
            own = flat[batch.region_image]  # (R, N, D)
            said = phrases[batch.region_phrase]
            inside = batch.region_weights.flatten(1)
            regions = losses.pool_regions(own, inside)
            terms["region"] = losses.region_loss(regions, said, batch.region_same, batch.region_known, scales[2])
            terms["pointing"] = losses.pointing_loss(said, own, inside, scales[2])
    if model.to_teacher is not None and batch.teacher is not None and batch.teacher_seen is not None:
        mapped = model.to_teacher(fused.float()).permute(0, 2, 3, 1)
        terms["teacher"] = losses.teacher_loss(mapped, batch.teacher, batch.teacher_seen)
    total = torch.stack([getattr(weights, name) * term.float() for name, term in terms.items()]).sum()
    return total, terms
