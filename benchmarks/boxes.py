"""What are a curator's boxes worth? `python benchmarks/boxes.py`: parts on real pictures, label by label.

Frozen features of the teacher network (SHERD_SHARED/weights) at 448 px with a learned 2-D position, small heads on
top, labels as a table of vectors; 0, 8, 33, 83 or all of the training pictures of iconart_parts and byzart_icons have
their boxes, all have their labels. Ours: phrase-to-cell soft maximum, region and pointing losses. Rival: the same
features pooled by attention, labels against whole pictures with the same relevance, and the same boxes as cropped
pairs; of its heat maps (cell by cell through the head, the same smoothed by likeness, gradient, sliding windows) the
one that does best on the very pictures that are measured counts, which favours it. Pointing and AP at IoU 0.3 on
valid (and test) pictures, beside chance and the usual place of a label on the other measured pictures. Three seeds;
paired intervals over pictures.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from provenance import outside, write
from torch import Tensor, nn
from torch.nn import functional

from sherd.evaluation.gallery import View, read_views
from sherd.evaluation.labels import LabelQuery, label_queries
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.metrics import detection, localisation
from sherd.metrics.bootstrap import interval, paired_interval, ratio_interval
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.teacher import VisionTransformer
from sherd.search.locate import box_from_heat
from sherd.training import losses
from sherd.types import Box

WEIGHTS = "weights/vit_tiny_patch16_224_in21k_ft_in1k.fp16.safetensors"
SIZE_PX, CROP_PX, DIM = 448, 224, 128
BOXED = (0, 8, 33, 83, None)
STEPS, BATCH = 250, 32


@dataclass(frozen=True)
class Side:
    """Pictures of one side of the split: features (n, C, 28, 28), labels (n, L) bool, regions by picture."""

    features: Tensor
    labels: Tensor
    regions: list[list[tuple[int, Box]]]


@dataclass(frozen=True)
class Crop:
    """A region seen alone: features (C, 14, 14), its label, the picture it is from."""

    features: Tensor
    label: int
    picture: int


@dataclass(frozen=True)
class Pack:
    """One pack, read."""

    names: list[str]
    train: Side
    crops: list[Crop]
    test: Side
    queries: list[LabelQuery]
    prior: NDArray[np.float64]


class Heads(nn.Module):
    """Cells (B, C, h, w) -> U; unit cell vectors; an object vector by attention; a vector a label."""

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.place = nn.Linear(16, DIM)
        self.fuse = nn.Sequential(nn.Linear(channels, DIM), nn.GELU(), nn.Linear(DIM, DIM))
        self.attention = nn.Linear(DIM, 1)
        self.head = nn.Linear(DIM, DIM)
        self.names = nn.Parameter(torch.randn(labels, DIM))
        self.scale = nn.Parameter(torch.tensor(2.66))
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def grid(self, features: Tensor, *, placed: bool = True) -> Tensor:
        """U (B, N, D)."""
        _, _, h, w = features.shape
        u = self.fuse(self.norm(features.flatten(2).transpose(1, 2)))
        return u + self.place(_waves(h, w)) if placed else u

    def cells(self, u: Tensor) -> Tensor:
        """Unit vectors (B, N, D)."""
        return functional.normalize(self.head(u), dim=-1)

    def whole(self, u: Tensor) -> Tensor:
        """Unit vectors (B, D)."""
        return functional.normalize(self.head((self.attention(u).softmax(1) * u).sum(1)), dim=-1)

    def words(self) -> Tensor:
        """Unit vectors (L, D)."""
        return functional.normalize(self.names, dim=-1)


def _waves(h: int, w: int) -> Tensor:
    """(N, 16) sines and cosines of the place at four frequencies an axis."""
    y, x = torch.meshgrid((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing="ij")
    angles = torch.stack([axis * 3.1416 * k for axis in (y, x) for k in (0.5, 1, 2, 4)], -1)
    return torch.cat([angles.sin(), angles.cos()], -1).reshape(h * w, 16)


def fit(pack: Pack, boxed: set[int], seed: int, *, ours: bool) -> Heads:
    """Heads trained with boxes on the pictures `boxed` and labels on all."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    heads = Heads(pack.train.features.shape[1], len(pack.names))
    optimizer = torch.optim.AdamW(heads.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=STEPS)
    crops = [crop for crop in pack.crops if crop.picture in boxed]
    everything = range(len(pack.train.features))
    for _ in range(STEPS):
        rows = chance.sample(everything, min(BATCH, len(everything)))
        u = heads.grid(pack.train.features[rows].float())
        labels = pack.train.labels[rows]
        scale = heads.scale.exp().clamp(max=100)
        if ours:
            loss = _ours(heads, u, labels, [pack.train.regions[row] if row in boxed else [] for row in rows], scale)
        else:
            loss = _rival(heads, u, labels, chance.sample(crops, min(BATCH, len(crops))), scale)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return heads.eval()


def _ours(heads: Heads, u: Tensor, labels: Tensor, regions: list[list[tuple[int, Box]]], scale: Tensor) -> Tensor:
    cells, words = heads.cells(u), heads.words()
    cosines = torch.einsum("ld,bnd->lbn", words, cells)
    scores = losses.soft_maximum(cosines, sharpness=12.0)  # (L, B)
    known = torch.ones_like(labels.T)
    loss = losses.phrase_loss(scores, labels.T, known, scale, heads.bias)
    flat = [(row, label, box) for row, some in enumerate(regions) for label, box in some]
    if flat:
        side = round(u.shape[1] ** 0.5)
        inside = torch.stack([_share(box, side) for _, _, box in flat])  # (R, N)
        image = torch.tensor([row for row, _, _ in flat])
        said = torch.tensor([label for _, label, _ in flat])
        pooled = losses.pool_regions(cells, inside, image)
        loss = loss + functional.cross_entropy(scale * pooled @ words.T, said)
        loss = loss + losses.pointing_loss(cosines[said, image], inside, scale)
    return loss


def _rival(heads: Heads, u: Tensor, labels: Tensor, crops: Sequence[Crop], scale: Tensor) -> Tensor:
    words = heads.words()
    scores = words @ heads.whole(u).T
    loss = losses.phrase_loss(scores, labels.T, torch.ones_like(labels.T), scale, heads.bias)
    if crops:
        # A crop has no place in the picture.
        cut = heads.whole(heads.grid(torch.stack([crop.features for crop in crops]).float(), placed=False))
        loss = loss + functional.cross_entropy(scale * cut @ words.T, torch.tensor([crop.label for crop in crops]))
    return loss


def heat_maps(heads: Heads, features: Tensor, way: str) -> Tensor:
    """(L, h, w) of one picture (C, h, w)."""
    _, h, w = features.shape
    u = heads.grid(features[None].float())
    words = heads.words()
    if way == "gradient":
        u = u.detach().requires_grad_()
        cosines = words.detach() @ heads.whole(u)[0]
        maps = []
        for n in range(len(words)):
            (slope,) = torch.autograd.grad(cosines[n], u, retain_graph=True)
            maps.append((slope * u).sum(-1)[0].clamp(min=0))
        return torch.stack(maps).detach().reshape(-1, h, w)
    with torch.no_grad():
        cells = heads.cells(u)[0]  # (N, D)
        if way == "smoothed":
            near = functional.normalize(u[0], dim=1)
            cells = functional.normalize((20 * near @ near.T).softmax(1) @ cells, dim=1)
        if way == "windows":
            field = u[0].T.reshape(1, -1, h, w)
            attention = heads.attention(u)[0].reshape(1, 1, h, w).exp()
            total = functional.avg_pool2d(field * attention, 9, 1, 4) / functional.avg_pool2d(attention, 9, 1, 4)
            cells = functional.normalize(heads.head(total[0].flatten(1).T), dim=1)
        return (words @ cells.T).reshape(-1, h, w)


def measure(heads: Heads, pack: Pack, way: str) -> tuple[NDArray[np.float64], float]:
    """Pointing a query, and AP30 as a mean over labels."""
    points = np.zeros(len(pack.queries))
    found: dict[str, list[detection.ScoredBox]] = defaultdict(list)
    truths: dict[str, dict[int, Sequence[Box]]] = defaultdict(dict)
    by_view: dict[int, list[int]] = defaultdict(list)
    for n, query in enumerate(pack.queries):
        by_view[query.view].append(n)
    for view, members in by_view.items():
        maps = heat_maps(heads, pack.test.features[view], way).numpy()
        for n in members:
            query = pack.queries[n]
            heat = maps[pack.names.index(query.label)]
            points[n] = localisation.points_at(localisation.peak(heat), query.boxes, localisation.POINTING_TOLERANCE)
            found[query.label].append(detection.ScoredBox(view, box_from_heat(heat), float(heat.max())))
            truths[query.label][view] = query.boxes
    return points, float(np.mean([detection.average_precision(found[k], truths[k], 0.3) for k in found]))


def _share(box: Box, side: int) -> Tensor:
    """(N,) share of each cell inside the box."""
    edges = torch.arange(side + 1) / side
    x = (torch.minimum(edges[1:], torch.tensor(box.x + box.w)) - torch.maximum(edges[:-1], torch.tensor(box.x))).clamp(
        min=0
    )
    y = (torch.minimum(edges[1:], torch.tensor(box.y + box.h)) - torch.maximum(edges[:-1], torch.tensor(box.y))).clamp(
        min=0
    )
    return (torch.outer(y, x) * side * side).flatten()


def read_pack(folder: Path, tests: Sequence[str], weights: Path, cache: Path) -> Pack:
    """A pack with its features, which are kept in `cache`."""
    teacher = VisionTransformer(weights)
    train, root = _views(folder, ["train"])
    test, _ = _views(folder, tests)
    names = sorted({r.label for view in [*train, *test] for r in view.image.regions if r.label})
    file = cache / f"{folder.name}-{SIZE_PX}.safetensors"
    if not file.exists():
        save_tensors(file, _features(teacher, root, train, test, names), {})
    kept, _ = load_tensors(file)
    sides = [_side(views, names, kept[name]) for name, views in (("train", train), ("test", test))]
    crops = [
        Crop(kept["crops"][n], int(label), int(picture))
        for n, (label, picture) in enumerate(zip(kept["crop_label"], kept["crop_picture"], strict=True))
    ]
    queries = label_queries(test, range(len(test)))
    regions = {n: [(r.label, r.box) for r in view.image.regions if r.label] for n, view in enumerate(test)}
    prior = localisation.LocationPrior([one for some in regions.values() for one in some])
    usual = [
        localisation.points_at(prior.point(q.label, regions[q.view]), q.boxes, localisation.POINTING_TOLERANCE)
        for q in queries
    ]
    return Pack(names, sides[0], crops, sides[1], queries, np.array(usual, np.float64))


def _views(folder: Path, splits: Sequence[str]) -> tuple[list[View], Path]:
    found: list[View] = []
    for split in splits:
        views, source, _ = read_views(folder, split=split, language=None)
        found += views
    return found, source.root


def _side(views: Sequence[View], names: list[str], features: Tensor) -> Side:
    labels = torch.zeros(len(views), len(names), dtype=torch.bool)
    regions: list[list[tuple[int, Box]]] = []
    for n, view in enumerate(views):
        some = [(names.index(r.label), r.box) for r in view.image.regions if r.label]
        labels[n, [label for label, _ in some]] = True
        regions.append(some)
    return Side(features, labels, regions)


def _features(
    teacher: VisionTransformer, root: Path, train: Sequence[View], test: Sequence[View], names: list[str]
) -> dict[str, Tensor]:
    found: dict[str, list[Tensor]] = {"train": [], "test": [], "crops": []}
    label, picture = [], []
    for side, views in (("train", train), ("test", test)):
        for n, view in enumerate(views):
            image = Image.fromarray(thumbnail_pixels(open_picture_file(root, view.image.path).thumbnail))
            found[side].append(_look(teacher, image, SIZE_PX))
            for region in view.image.regions if side == "train" else ():
                if region.label:
                    found["crops"].append(_look(teacher, _cut(image, region.box), CROP_PX))
                    label.append(names.index(region.label))
                    picture.append(n)
    stacked = {name: torch.cat(rows) for name, rows in found.items()}
    return stacked | {"crop_label": torch.tensor(label), "crop_picture": torch.tensor(picture)}


def _look(teacher: VisionTransformer, image: Image.Image, size_px: int) -> Tensor:
    pixels = np.asarray(image.resize((size_px, size_px), Image.Resampling.BICUBIC))
    return teacher.patches(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255).half()


def _cut(image: Image.Image, box: Box) -> Image.Image:
    """The square around a box with a tenth of margin, as far as the picture goes."""
    w, h = image.size
    half = 0.6 * max(box.w * w, box.h * h)
    x, y = (box.x + box.w / 2) * w, (box.y + box.h / 2) * h
    return image.crop(
        (int(max(0, x - half)), int(max(0, y - half)), int(min(w, x + half)) + 1, int(min(h, y + half)) + 1)
    )


def compare(pack: Pack, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row a budget of boxes."""
    groups = np.array([str(query.view) for query in pack.queries])
    rows = []
    for budget in BOXED:
        ours, rival = [], defaultdict(list)
        ap_ours, ap_rival = [], defaultdict(list)
        for seed in seeds:
            order = random.Random(seed).sample(range(len(pack.train.features)), len(pack.train.features))
            boxed = set(order[:budget])
            points, ap = measure(fit(pack, boxed, seed, ours=True), pack, "cells")
            ours.append(points)
            ap_ours.append(ap)
            heads = fit(pack, boxed, seed, ours=False)
            for way in ("cells", "smoothed", "gradient", "windows"):
                points, ap = measure(heads, pack, way)
                rival[way].append(points)
                ap_rival[way].append(ap)
        best = max(rival, key=lambda way: np.mean(rival[way]))
        row = {
            "boxed": len(pack.train.features) if budget is None else budget,
            "ours": asdict(interval(np.stack(ours), clusters=groups)),
            "rival": asdict(interval(np.stack(rival[best]), clusters=groups)),
            "rival_way": best,
            "over_rival": asdict(paired_interval(np.stack(ours), np.stack(rival[best]), clusters=groups)),
            "ratio": asdict(ratio_interval(np.stack(ours), np.stack(rival[best]), clusters=groups)),
            "over_usual_place": asdict(paired_interval(np.stack(ours), pack.prior[None], clusters=groups)),
            "ap30_ours": float(np.mean(ap_ours)),
            "ap30_rival": float(max(np.mean(some) for some in ap_rival.values())),
        }
        small = np.array([query.small for query in pack.queries])
        if small.any():
            row["small"] = {
                "queries": int(small.sum()),
                "ours": float(np.stack(ours)[:, small].mean()),
                "rival": float(np.stack(rival[best])[:, small].mean()),
                "usual_place": float(pack.prior[small].mean()),
            }
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measure both packs, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the features, outside the checkout")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    shared = outside()
    results: dict[str, Any] = {}
    for name, tests in (("iconart_parts", ["valid", "test"]), ("byzart_icons", ["valid"])):
        pack = read_pack(shared / "packs" / name, tests, shared / WEIGHTS, given.cache)
        chance = [
            localisation.chance_of_pointing(query.boxes, localisation.POINTING_TOLERANCE) for query in pack.queries
        ]
        blind = {"chance": float(np.mean(chance)), "usual_place": float(pack.prior.mean())}
        print(name, len(pack.queries), "queries", blind, flush=True)
        results[name] = {"queries": len(pack.queries), **blind, "rows": compare(pack, range(1, given.seeds + 1))}
    print(write("boxes", "What are a curator's boxes worth?", {"seeds": given.seeds, "packs": results}))


if __name__ == "__main__":
    main()
