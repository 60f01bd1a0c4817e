"""One batch through the model, to one loss with every term by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from sherd.errors import InvalidConfig, check_settings
from sherd.model.dual import DualEncoder
from sherd.model.levels import FACETS, LevelFeatures
from sherd.training import hierarchy, losses
from sherd.training.batches import Batch
from sherd.training.hierarchy import Facet

PHRASES = ("slots+patches", "slots", "patches", "pooled", "object")
OBJECT_LOSSES = ("softmax", "sigmoid")
_MIRRORED = 16
"""One in so many pictures is also seen in the mirror, for the masks' sake, in a quarter of the steps."""
_CAPTION_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    """Weight of each term; 0 switches it off, as those are that the ablation found to earn nothing (docs/results.md).

    teacher: counts only where `DataSettings` names one.
    """

    object: float = 1.0
    part: float = 1.0
    region: float = 1.0
    pointing: float = 0.3
    cover: float = 0.3
    theme: float = 0.3
    culture: float = 0.3
    redundancy: float = 0.0
    covariance: float = 0.0
    mask: float = 0.0
    labels: float = 0.2
    teacher: float = 0.5

    def __post_init__(self) -> None:
        check_settings("[weights]", 0, 1000, **{one.name: getattr(self, one.name) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class MethodSettings:
    """What the terms are made of; every arm of the comparison is a choice here.

    object_loss: softmax (InfoNCE) or sigmoid (SigLIP). soft_targets: share 0..1 of the object's target that goes to
    pictures with the same concepts. smoothing: label smoothing of the object's loss.
    phrases: what the part loss compares phrases with: slots, patches (soft maximum over cells), pooled (the vector that
    a phrase pools from the cells, as FLAIR does) or the object vector. tree: see `hierarchy.TREES`.
    decoupling_from: share 0..1 of the steps after which redundancy and covariance count.
    """

    object_loss: str = "softmax"
    soft_targets: float = 0.0
    smoothing: float = 0.0
    phrases: str = "slots+patches"
    tree: str = "right"
    decoupling_from: float = 0.3

    def __post_init__(self) -> None:
        check_settings("[method]", 0, 1, soft_targets=self.soft_targets, smoothing=self.smoothing)
        check_settings("[method]", 0, 1, decoupling_from=self.decoupling_from)
        for name, value, choices in (
            ("object_loss", self.object_loss, OBJECT_LOSSES),
            ("phrases", self.phrases, PHRASES),
            ("tree", self.tree, hierarchy.TREES),
        ):
            if value not in choices:
                raise InvalidConfig(f"[method] {name} is '{value}'; choose one of {', '.join(choices)}")


def objective(
    model: DualEncoder,
    batch: Batch,
    weights: Weights,
    method: MethodSettings,
    facets: Sequence[Facet] = (),
    *,
    progress: float = 1.0,
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The weighted sum, and each term in use before weighting, with what is only watched: gates, slots, mask entropy.

    Args:
        facets: as the batch's targets were made with. progress: share 0..1 of the steps that are done.
    The image tower runs once, mirrored pictures included; the text tower once over captions and once over all else.
    """
    b = len(batch.pictures)
    wanted = {f.name for f in fields(weights) if getattr(weights, f.name) > 0}
    has_slots = model.image.clustering is not None
    in_mirror = has_slots and "mask" in wanted and float(torch.rand(())) < 0.25
    mirrored = max(1, b // _MIRRORED) if in_mirror else 0
    scales, biases = model.scales(), model.biases()
    m, v = len(batch.phrase_ids), len(batch.name_ids)
    # bfloat16 for the networks and the one large product; logits of the other losses need float32's digits.
    with torch.autocast(batch.pictures.device.type, torch.bfloat16):
        pictures = torch.cat([batch.pictures, batch.pictures[:mirrored].flip(-1)]) if mirrored else batch.pictures
        both = model.image(pictures)
        captions = model.text(batch.caption_ids).float()  # (B, D)
        local = bool(wanted & {"part", "region", "pointing", "cover"})
        phrases = model.text(batch.phrase_ids).float() if m and local else None  # (M, D)
        facet_terms = has_slots and v > 0 and bool(wanted & {"theme", "culture"})
        names = model.text(batch.name_ids).float() if facet_terms else None  # (V, D)
        labels = (
            [model.text(ids).float() for ids in batch.label_ids] if batch.label_ids and "labels" in wanted else None
        )
    seen = _first(both, b)
    terms: dict[str, Tensor] = {"object": _object(seen.object, captions, batch, method, scales, biases)}
    if phrases is not None:
        terms |= _local(seen, phrases, batch, wanted, method, scales, biases)
    if names is not None and seen.facets is not None:
        told = captions if "culture" in wanted and method.tree != "none" else None
        terms |= _semantic(seen.facets, told, names, model.residuals, batch, facets, method, scales["theme"])
    if labels is not None:
        logits = scales["object"] * labels[0] @ labels[1].T
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        terms["labels"] = (losses.multi_positive(logits, own) + losses.multi_positive(logits.T, own)) / 2
    if seen.slots is not None and seen.parts is not None:
        if "mask" in wanted:
            terms |= _masks(both, b, mirrored, background=model.settings.levels.clustering.background)
        if "redundancy" in wanted and progress >= method.decoupling_from:
            terms["redundancy"] = losses.redundancy_loss(seen.parts)
        if "covariance" in wanted and progress >= method.decoupling_from:
            terms["covariance"] = losses.covariance_loss(seen.parts, seen.object)
    if model.to_teacher is not None and batch.teacher is not None and batch.teacher_seen is not None:
        mapped = model.to_teacher(seen.grid.float()).permute(0, 2, 3, 1)
        terms["teacher"] = losses.teacher_loss(mapped, batch.teacher, batch.teacher_seen)
    total = torch.stack([getattr(weights, name) * term.float() for name, term in terms.items()]).sum()
    return total, terms | _watched(seen)


def _object(
    objects: Tensor,
    captions: Tensor,
    batch: Batch,
    method: MethodSettings,
    scales: Mapping[str, Tensor],
    biases: Mapping[str, Tensor],
) -> Tensor:
    if method.object_loss == "sigmoid":
        return losses.sigmoid_pairs(scales["object"] * objects @ captions.T + biases["object"], batch.same)
    return losses.object_loss(
        objects,
        captions,
        batch.same,
        scales["object"],
        overlap=batch.overlap,
        soft=method.soft_targets,
        smoothing=method.smoothing,
    )


def _local(
    seen: LevelFeatures,
    phrases: Tensor,
    batch: Batch,
    wanted: set[str],
    method: MethodSettings,
    scales: Mapping[str, Tensor],
    biases: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    flat = seen.patches.flatten(1, 2).bfloat16()
    said = phrases.bfloat16()
    terms = {}
    # The one large product, (M, B, N), serves the part loss and the pointing loss.
    shared = "patches" in method.phrases or "pointing" in wanted
    cosines = torch.einsum("md,bnd->mbn", said, flat) if shared else None
    if "part" in wanted:
        scores = []
        if method.phrases == "object":
            scores.append(phrases @ seen.object.T)
        if method.phrases == "pooled":
            scores.append(losses.conditioned_scores(said, flat).float())
        if cosines is not None and "patches" in method.phrases:
            scores.append(losses.soft_maximum(cosines, sharpness=12.0).float())
        if "slots" in method.phrases and seen.parts is not None and seen.slots is not None:
            near = torch.einsum("md,bkd->mbk", phrases, seen.parts)
            scores.append(losses.soft_maximum(near, seen.slots.presence.float()))
        each = [losses.phrase_loss(one, batch.relevance, batch.known, scales["part"], biases["part"]) for one in scores]
        terms["part"] = torch.stack(each).mean()
    masks = seen.slots.masks if seen.slots is not None and "cover" in wanted else None
    if len(batch.region_image) and (masks is not None or wanted & {"region", "pointing"}):
        regions = losses.Regions(
            batch.region_image,
            batch.region_phrase,
            batch.region_weights,
            batch.region_exact,
            batch.region_same,
            batch.region_known,
        )
        pointed = cosines if "pointing" in wanted else None
        terms |= losses.region_terms(phrases, flat, pointed, masks, regions, scales["region"])
    return {name: term for name, term in terms.items() if name in wanted}


def _semantic(
    queries: Tensor,
    captions: Tensor | None,
    names: Tensor,
    residuals: Tensor | None,
    batch: Batch,
    facets: Sequence[Facet],
    method: MethodSettings,
    scale: Tensor,
) -> dict[str, Tensor]:
    """theme: the concepts that were catalogued. culture: what is broader, for pictures and for captions (None: not)."""
    theme, culture = [], []
    start = 0
    for facet, targets in zip(facets, batch.facets, strict=True):
        rows = slice(start, start + len(facet.nodes))
        start = rows.stop
        leaves = _concept_vectors(names[rows], None if residuals is None else residuals[rows], facet)
        inner = torch.ones(len(facet.nodes), dtype=torch.bool, device=leaves.device)
        inner[facet.leaves] = False
        logits = scale * queries[:, FACETS.index(facet.name)] @ leaves.T  # (B, L)
        theme.append(hierarchy.node_loss(logits, facet, targets.own, targets.absent & ~inner, weighted=False))
        if captions is None:
            continue
        said = scale * captions @ leaves.T
        if method.tree == "flat":
            shown = targets.own.any(1)
            culture += [0.1 * hierarchy.smoothing_loss(one, shown) for one in (logits, said)]
        else:
            absent = targets.absent & inner
            culture.append(hierarchy.node_loss(logits, facet, targets.broader, absent, weighted=True))
            culture.append(_CAPTION_SHARE * hierarchy.node_loss(said, facet, targets.broader, absent, weighted=True))
    terms = {"theme": torch.stack(theme).mean()}
    if culture:
        terms["culture"] = torch.stack(culture).sum() / len(facets)
    return terms


def _concept_vectors(names: Tensor, residuals: Tensor | None, facet: Facet) -> Tensor:
    """(L, D) unit vectors of the leaves: the name's text vector plus learned residuals of itself and all above it."""
    vectors = names
    if residuals is not None:
        vectors = names + facet.above.to(residuals) @ residuals
    return functional.normalize(vectors[facet.leaves], dim=1)


def _masks(both: LevelFeatures, b: int, mirrored: int, *, background: bool) -> dict[str, Tensor]:
    assert both.slots is not None
    h, w = both.patches.shape[1:3]
    masks, rest = both.slots.masks, both.slots.background
    loss = losses.mask_loss(masks[:b], rest[:b], h, w, has_background=background)
    if mirrored:
        grid = masks.float().reshape(len(masks), -1, h, w)
        loss = loss + losses.equivariance_loss(grid[:mirrored], grid[b:])
    return {"mask": loss}


def _watched(seen: LevelFeatures) -> dict[str, Tensor]:
    if seen.slots is None:
        return {}
    masks = seen.slots.masks.detach()
    used = (masks.float().amax((0, 2)) > 0.5).float().sum()
    gates = {f"gate_{name}": value for name, value in (seen.gates or {}).items()}
    return {"slots_used": used, "mask_entropy": losses.mask_entropy(masks, seen.slots.background.detach()), **gates}


def _first(both: LevelFeatures, b: int) -> LevelFeatures:
    """The levels of the first b pictures; all of them uncut, as a slice's gradient is a copy of everything."""
    if len(both.object) == b:
        return both
    slots = both.slots
    return LevelFeatures(
        object=both.object[:b],
        patches=both.patches[:b],
        grid=both.grid[:b],
        parts=None if both.parts is None else both.parts[:b],
        slots=None if slots is None else type(slots)(*(value[:b] for value in slots)),
        facets=None if both.facets is None else both.facets[:b],
        gates=both.gates,
    )
