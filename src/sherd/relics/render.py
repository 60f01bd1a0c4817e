"""Drawing a relic from its plan, with the truth about every region; and writing many as a pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sherd.errors import InvalidArgument
from sherd.relics.backgrounds import background, cast_shadow, glass
from sherd.relics.captions import Seen, describe, themes_of
from sherd.relics.culture import DAMAGES, Culture, Named
from sherd.relics.grammar import Plan, compose
from sherd.relics.independence import Traits
from sherd.relics.ornament import adorn
from sherd.relics.outlines import Outline
from sherd.relics.parts import PART_PROGRAMS
from sherd.relics.silhouettes import Body, Floats, Mask, ToPixels, build_body, lay_out
from sherd.relics.surfaces import Layers, paint
from sherd.types import Caption, Phrase, Picture

FACETS = ("type", "material", "culture", "motif", "theme")
LICENCE = "CC0-1.0"
RIGHTS = "Rendered by Sherd; no real object is shown"
MIN_SIZE_PX, MAX_SIZE_PX = 64, 1024
_PART_BASE = 100
_CRACK, _LOSS = 250, 251
_SHARE = np.arange(256, dtype=np.float32) / np.float32(255)


@dataclass(frozen=True)
class RegionTruth:
    """One thing in the picture and its box in whole pixels. `kind`: object, motif, part or damage.

    `id` is the name of it in its culture's file (for damage: crack or loss), `concept` its URI in the thesaurus.
    """

    label: str
    bbox: tuple[int, int, int, int]
    concept: str
    id: str
    kind: str
    place: str | None = None


@dataclass(frozen=True)
class Relic:
    """A picture and everything that is true of it. `masks` has a (H, W) bool array for each region, or is None.

    `concepts_by_facet` has the URIs of what is true of it by FACETS: the object's type; its material and technique; its
    culture and period; the motifs, parts and damage that can be seen; the themes of those motifs.
    """

    id: str
    picture: Picture
    regions: tuple[RegionTruth, ...]
    masks: tuple[Mask, ...] | None
    captions: tuple[Caption, ...]
    phrases: tuple[Phrase, ...]
    object_type: str
    materials: tuple[str, ...]
    culture: str
    period: str
    motifs: tuple[str, ...]
    themes: tuple[str, ...]
    concepts_by_facet: Mapping[str, tuple[str, ...]]
    culture_id: str
    quality: int
    traits: Traits

    @property
    def concepts(self) -> tuple[str, ...]:
        """The URIs of all facets, without repeats."""
        return tuple(dict.fromkeys(uri for facet in FACETS for uri in self.concepts_by_facet[facet]))

    def record(self) -> dict[str, Any]:
        """The pack record, as a line of records.jsonl holds it (without masks)."""
        first = next(caption.text for caption in self.captions if caption.language == "en")
        height, width = self.picture.shape[:2]
        return {
            "id": self.id,
            "image": f"images/{self.id.replace('/', '-')}.jpg",
            "object_id": self.id,
            "title": first,
            "description": first,
            "object_type": self.object_type,
            "materials": list(self.materials),
            "culture": self.culture,
            "period": self.period,
            "motifs": list(self.motifs),
            "themes": list(self.themes),
            "language": "en",
            "width": width,
            "height": height,
            "regions": [{"label": r.label, "bbox": list(r.bbox), "concept": r.concept} for r in self.regions],
            "licence": LICENCE,
            "rights": RIGHTS,
            "captions": [{"language": c.language, "style": c.style, "text": c.text} for c in self.captions],
            "phrases": [{"text": p.text, "language": p.language, "region": p.region} for p in self.phrases],
            "concepts": list(self.concepts),
            "culture_id": self.culture_id,
        }


def render(culture: Culture, seed: int, index: int, size_px: int = 160, *, masks: bool = False) -> Relic:
    """The relic number `index` of that seed: always the same picture and the same words.

    Args:
        culture: from `load_culture`.
        seed: 0 or more.
        index: 0 or more.
        size_px: height and width of the picture, 64..1024.
        masks: whether each region's mask is kept.
    Raises:
        InvalidArgument: a number is outside its range.
    """
    if seed < 0 or index < 0 or not MIN_SIZE_PX <= size_px <= MAX_SIZE_PX:
        raise InvalidArgument(
            f"render needs seed and index of 0 or more and size {MIN_SIZE_PX}..{MAX_SIZE_PX} px, "
            f"got seed={seed}, index={index}, size={size_px}"
        )
    plan = plan_of(culture, seed, index)
    return draw(plan, f"{culture.id}/{seed}-{index:06d}", size_px, keep_masks=masks)


def plan_of(culture: Culture, seed: int, index: int) -> Plan:
    """The composition of one relic, before it is drawn."""
    return compose(culture, np.random.default_rng([seed, index, crc32(culture.id.encode())]))


def draw(plan: Plan, name: str, size_px: int, *, keep_masks: bool = False, without: int | None = None) -> Relic:
    """The plan as a picture. `without` leaves one zone's motif undrawn, so that tests can see that it was there."""
    rng = np.random.default_rng(plan.noise_seed)
    body = build_body(plan)
    scene = _Scene(plan, body, size_px)
    labels, layers = scene.compose(adorn(plan, body, without=without), rng)
    colour = paint(plan, layers, rng)
    seen_damage = _damage(plan, labels, layers, colour, rng)
    picture, full = scene.photograph(labels, colour, rng)
    regions, region_masks, seen = _regions(plan, full, seen_damage)
    captions, phrases = describe(plan, seen)
    shown = [plan.zones[s.index] for s in seen if s.kind == "motif"]
    themes = themes_of(plan, seen)
    return Relic(
        id=name,
        picture=picture,
        regions=regions,
        masks=region_masks if keep_masks else None,
        captions=captions,
        phrases=phrases,
        object_type=plan.object.names["en"][0],
        materials=(plan.material.names["en"][0],),
        culture=plan.culture.names["en"][0],
        period=plan.period.names["en"][0],
        motifs=tuple(dict.fromkeys(zone.motif.names["en"][0] for zone in shown)),
        themes=tuple(theme.names["en"][0] for theme in themes),
        concepts_by_facet={
            "type": (plan.object.uri,),
            "material": tuple(thing.uri for thing in (plan.material, plan.technique, plan.palette) if thing.concept),
            "culture": (plan.culture.uri, plan.period.uri),
            "motif": tuple(dict.fromkeys(r.concept for r in regions if r.kind != "object")),
            "theme": tuple(theme.uri for theme in themes),
        },
        culture_id=plan.culture.id,
        quality=plan.finish.quality,
        traits=Traits(
            object=plan.object.id,
            palette=plan.palette.id,
            background=plan.background,
            zones=tuple((zone.motif.id, zone.place) for zone in plan.zones),
            places=tuple(plan.object.zones),
        ),
    )


class _Scene:
    """Where the object stands in the picture: everything between object units and pixels. Drawn at twice the size."""

    def __init__(self, plan: Plan, body: Body, size_px: int) -> None:
        self.plan = plan
        self.body = body
        self.size = size_px
        self.outlines: list[Outline] = [PART_PROGRAMS[p.part.program].draw(body.frame, p.values) for p in plan.parts]
        extent = np.concatenate([body.polygon, *(s for o in self.outlines for s in (*o.front, *o.behind))])
        c, s = np.cos(plan.view.turn), np.sin(plan.view.turn)
        turned = (extent - (0.0, 0.5)) @ np.array([[c, -s], [s, c]]).T
        low, high = turned.min(0), turned.max(0)
        work = 2 * size_px
        scale = plan.view.scale * work / float(max(high - low))
        room = np.maximum((work - (high - low) * scale) / 2, 0)
        middle = work / 2 + np.array([plan.view.dx, plan.view.dy]) * room * 0.85
        origin = middle - (low + high) / 2 * scale
        x0, y0 = (int(v) for v in np.maximum(np.floor(low * scale + origin) - 8, 0))
        x1, y1 = (int(v) for v in np.minimum(np.ceil(high * scale + origin) + 8, work))
        self.crop = (x0, y0, x1, y1)
        self.to_crop = ToPixels(scale, plan.view.turn, (float(origin[0] - x0), float(origin[1] - y0)))
        self.bottom = float(high[1] * scale + origin[1]) / 2

    def compose(self, atlas: Any, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Layers]:
        """Labels of the crop (0 nothing, 1.. zones, 99 bare body, 100.. parts) and what `paint` needs."""
        x0, y0, x1, y1 = self.crop
        h, w = y1 - y0, x1 - x0
        lay = lay_out(self.body, *self.to_crop.grid(h, w), self.to_crop)
        at = lay.row * self.body.columns + lay.col
        zones = np.asarray(atlas.labels).ravel().take(at)
        hidden = lay.inside
        if self.body.open and self.body.kind == "revolved":
            hidden = hidden | (lay.mask & (lay.row == 0))
        zones[~lay.mask | hidden] = 0
        behind = self._draw_parts(h, w, front=False)
        labels = np.where(lay.mask, np.where(zones > 0, zones, 99), behind).astype(np.uint8)
        front = self._draw_parts(h, w, front=True)
        labels = np.where(front > 0, front, labels)
        is_part = (labels >= _PART_BASE) | ((behind > 0) & ~lay.mask)
        solid = labels > 0
        shown = np.stack([_SHARE.take(np.asarray(band).ravel().take(at)) for band in atlas.inks.split()])
        shown[:, hidden] = 0
        return labels, Layers(
            shown,
            np.where(is_part | (labels == 99), 0, labels).astype(np.uint8),
            lay,
            is_part,
            solid,
            np.where(is_part, labels - (_PART_BASE - 1), 0).astype(np.uint8),
        )

    def _draw_parts(self, h: int, w: int, *, front: bool) -> NDArray[np.uint8]:
        image = Image.new("L", (w, h))
        pen = ImageDraw.Draw(image)
        for number, outline in enumerate(self.outlines):
            for shape in outline.front if front else outline.behind:
                pen.polygon(self.to_crop(shape), fill=_PART_BASE + number)
        return np.asarray(image)

    def photograph(
        self, labels: NDArray[np.uint8], colour: Floats, rng: np.random.Generator
    ) -> tuple[Picture, NDArray[np.uint8]]:
        """The finished picture, and the labels (size, size) at its own size."""
        x0, y0, x1, y1 = self.crop
        work = 2 * self.size
        alpha = (labels > 0) & (labels != _LOSS)
        canvas = np.zeros((4, work, work), np.float32)
        canvas[3, y0:y1, x0:x1] = alpha
        np.multiply(np.clip(colour, 0, 1, out=colour), alpha, out=canvas[:3, y0:y1, x0:x1])
        rows = canvas[:, 0::2] + canvas[:, 1::2]
        small = rows[:, :, 0::2] + rows[:, :, 1::2]
        small *= np.float32(0.25)
        full = np.zeros((work, work), np.uint8)
        full[y0:y1, x0:x1] = labels
        full = full[0::2, 0::2]
        plan = self.plan
        scene = background(plan.background, self.size, self.bottom, rng)
        scene = cast_shadow(scene, small[3] > 0.5, plan.background, plan.view.light[0], rng)
        picture = scene * (1 - small[3])[:, :, None] + small[:3].transpose(1, 2, 0)
        if plan.background == "vitrine":
            picture = glass(picture, rng)
        return _camera(picture, plan, rng), full


def _camera(picture: Floats, plan: Plan, rng: np.random.Generator) -> Picture:
    """Exposure, white balance, focus and sensor noise."""
    finish = plan.finish
    gain = np.array([1 + finish.warmth, 1.0, 1 - finish.warmth], np.float32) * finish.exposure
    picture = picture * gain + rng.standard_normal(picture.shape[:2], np.float32)[:, :, None] * finish.noise
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    if finish.blur > 0.25:
        image = image.filter(ImageFilter.GaussianBlur(finish.blur * picture.shape[0] / 160))
    return np.asarray(image)


def _damage(
    plan: Plan, labels: NDArray[np.uint8], layers: Layers, colour: Floats, rng: np.random.Generator
) -> tuple[str, str] | None:
    """Draw the plan's crack or loss into labels and colour; gives (kind, place), or None where there was no room."""
    if plan.damage is None or not plan.zones:
        return None
    for number in rng.permutation(len(plan.zones)).tolist():
        zone = labels == number + 1
        if plan.damage == "crack":
            spots = np.argwhere(zone)
        else:
            # A loss bites into the outline: start from pixels of the zone that border on nothing.
            empty = np.pad(labels == 0, 1, constant_values=True)
            near = empty[:-2, 1:-1] | empty[2:, 1:-1] | empty[1:-1, :-2] | empty[1:-1, 2:]
            spots = np.argwhere(zone & near)
        if len(spots) < 8:
            continue
        y, x = (int(v) for v in spots[int(rng.integers(len(spots)))])
        if plan.damage == "crack":
            _crack(labels, colour, layers.solid, x, y, rng)
        else:
            _loss(labels, x, y, rng)
        return plan.damage, plan.zones[number].place
    return None


def _crack(labels: NDArray[np.uint8], colour: Floats, solid: Mask, x: int, y: int, rng: np.random.Generator) -> None:
    h, w = labels.shape
    step = max(h, w) / 22
    image = Image.new("L", (w, h))
    pen = ImageDraw.Draw(image)
    angle = rng.uniform(0, 2 * np.pi)
    for turn in (angle, angle + np.pi):
        points = [(float(x), float(y))]
        for _ in range(int(rng.integers(3, 6))):
            turn += rng.normal(0, 0.45)
            points.append((points[-1][0] + step * np.cos(turn), points[-1][1] + step * np.sin(turn)))
        pen.line(points, fill=1, width=max(2, round(max(h, w) / 120)))
    line = (np.asarray(image) > 0) & solid
    colour[:, line] *= 0.18
    edge = np.roll(line, (1, 1), (0, 1)) & solid & ~line
    colour[:, edge] = np.minimum(colour[:, edge] * 1.5 + 0.05, 1)
    labels[line] = _CRACK


def _loss(labels: NDArray[np.uint8], x: int, y: int, rng: np.random.Generator) -> None:
    h, w = labels.shape
    radius = max(h, w) * rng.uniform(0.07, 0.12)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    reach = radius * rng.uniform(0.65, 1.25, 12)
    image = Image.new("L", (w, h))
    points = [(x + r * np.cos(a), y + r * np.sin(a)) for r, a in zip(reach, angles, strict=True)]
    ImageDraw.Draw(image).polygon(points, fill=1)
    labels[(np.asarray(image) > 0) & (labels > 0)] = _LOSS


def _regions(
    plan: Plan, full: NDArray[np.uint8], damage: tuple[str, str] | None
) -> tuple[tuple[RegionTruth, ...], tuple[Mask, ...], list[Seen]]:
    """Regions of everything that is seen well enough, the whole object first."""
    least = max(12, full.size // 900)
    wanted: list[tuple[str, int, Mask, Named, str | None]] = []
    whole = (full > 0) & (full != _LOSS)
    wanted.append(("object", 0, whole, plan.object, None))
    for number, zone in enumerate(plan.zones):
        wanted.append(("motif", number, full == number + 1, zone.motif, zone.place))
    for number, part in enumerate(plan.parts):
        wanted.append(("part", number, full == _PART_BASE + number, part.part, None))
    if damage is not None:
        code = _CRACK if damage[0] == "crack" else _LOSS
        wanted.append((damage[0], 0, full == code, Named(damage[0], {"en": (damage[0],)}), damage[1]))
    regions: list[RegionTruth] = []
    masks: list[Mask] = []
    seen: list[Seen] = []
    for kind, index, mask, named, place in wanted:
        if int(np.count_nonzero(mask)) < least:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x, y = int(columns[0]), int(rows[0])
        box = (x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
        seen.append(Seen(kind, index, len(regions), place))
        shown = "damage" if kind in DAMAGES else kind
        regions.append(RegionTruth(named.names["en"][0], box, named.uri, named.id, shown, place))
        masks.append(mask)
    return tuple(regions), tuple(masks), seen
