"""Materials and light: from inks, relief and normals to the colours of the object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sherd.relics.grammar import Plan
from sherd.relics.silhouettes import Floats, Lay, Mask

_NOISE_PX = 768
_BARE = np.array([0.7, 0.64, 0.54], np.float32)
"""Plaster or clay under paint that has flaked off."""


@lru_cache(maxsize=4)
def noise(kind: str) -> Floats:
    """(768, 768) tileable noise of mean 0 and deviation 1: `soft` clouds, `mid` blotches, `fine` grain."""
    power = {"soft": 1.9, "mid": 1.3, "fine": 0.5}[kind]
    rng = np.random.default_rng({"soft": 11, "mid": 12, "fine": 13}[kind])
    frequency = np.hypot(np.fft.fftfreq(_NOISE_PX)[:, None], np.fft.rfftfreq(_NOISE_PX)[None, :]) * _NOISE_PX
    frequency[0, 0] = 1
    weight = 1 / np.maximum(frequency, 4 if kind == "soft" else 6) ** power
    spectrum = np.fft.rfft2(rng.standard_normal((_NOISE_PX, _NOISE_PX))) * weight
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (_NOISE_PX, _NOISE_PX))
    return np.asarray(field / field.std(), np.float32)


def noise_crop(kind: str, height: int, width: int, rng: np.random.Generator) -> Floats:
    """A (height, width) piece of the noise at a place by chance."""
    field = noise(kind)
    y, x = (int(v) for v in rng.integers(0, _NOISE_PX, 2))
    if y + height <= _NOISE_PX and x + width <= _NOISE_PX:
        return field[y : y + height, x : x + width]
    rows = np.arange(y, y + height) % _NOISE_PX
    columns = np.arange(x, x + width) % _NOISE_PX
    return field[rows[:, None], columns[None, :]]


@dataclass(frozen=True)
class Layers:
    """What is where in the crop, (h, w); `inks` is (3, h, w) 0..1, `labels` 0 or 1 + zone, `parts` the added parts.

    Colours are planes here, not pixels: numpy is three times as fast where the last axis is long.
    """

    inks: Floats
    labels: NDArray[np.uint8]
    lay: Lay
    parts: Mask
    solid: Mask
    part_numbers: NDArray[np.uint8]
    """0 or 1 + number of the part."""


def paint(plan: Plan, layers: Layers, rng: np.random.Generator) -> Floats:
    """(3, h, w) colours 0..1 of the object, light and shade included."""
    finish, palette = plan.finish, plan.palette
    h, w = layers.labels.shape
    soft, mid = noise_crop("soft", h, w, rng), noise_crop("mid", h, w, rng)
    fine = noise_crop("fine", h, w, rng)
    body = layers.solid & ~layers.parts & ~layers.lay.inside
    inks = layers.inks * body
    flaked = None
    if finish.flaking > 0.01:
        flaked = (mid + 0.5 * soft) > 2.6 - 3.0 * finish.flaking
        inks *= np.where(flaked, np.float32(0.1), np.float32(1.0))
    raised = 0.68 * inks[0] + inks[1] + 0.12 * inks[2]
    colour = _pigment(plan, layers.labels, inks)
    for number, part in enumerate(plan.parts):
        if part.colour is not None:
            colour[:, layers.part_numbers == number + 1] = np.asarray(part.colour, np.float32)[:, None]
    grain = 0.05 * soft + (0.02 + 0.16 * finish.grain) * fine
    grain += 1
    if finish.weave > 0.01:
        grain *= _weave(layers.lay, finish.weave)
    colour *= grain
    if finish.tarnish > 0.01:
        # Patina settles in hollows and in patches.
        amount = np.clip((0.75 * mid + 0.6 * soft - 0.7 * raised + 4.2 * finish.tarnish - 2.0) * 1.1, 0, 1)
        amount *= 0.35 + 0.5 * finish.tarnish
        first = np.asarray(palette.tarnish[finish.tarnish_colour], np.float32)
        second = np.asarray(palette.tarnish[-1 - finish.tarnish_colour], np.float32)
        blend = amount * np.clip(0.5 + 0.35 * mid, 0, 1)
        colour *= 1 - amount
        for plane, low, step in zip(colour, first.tolist(), (second - first).tolist(), strict=True):
            plane += low * amount
            if step:
                plane += step * blend
    if flaked is not None:
        bare = 0.3 * np.asarray(palette.ground[finish.ground], np.float32) + 0.7 * _BARE
        colour[:, flaked & body] = bare[:, None]
    diffuse, highlight = _light(plan, layers, raised, fine, finish.seams)
    if finish.crackle > 0.01:
        diffuse[np.abs(mid - 0.3 * soft) < 0.045] *= 1 - 0.32 * finish.crackle
    diffuse[layers.lay.inside & ~layers.parts] *= 0.38
    colour *= diffuse
    if highlight is not None:
        colour += highlight
    return colour


def _pigment(plan: Plan, labels: NDArray[np.uint8], inks: Floats) -> Floats:
    """(3, h, w) ground and inks mixed; each zone has its own pair of ink colours."""
    finish, palette = plan.finish, plan.palette
    pairs = np.zeros((len(plan.zones) + 1, 2, 3), np.float32)
    pairs[0] = palette.inks[0]
    for number, zone in enumerate(plan.zones):
        pairs[number + 1] = palette.inks[zone.inks]
    ground = np.asarray(palette.ground[finish.ground], np.float32)
    line = np.asarray(palette.line, np.float32)
    # Straight sums: the three coverages never exceed one together.
    delta = (pairs - ground) * np.float32(finish.ink)
    strong = (line - ground) * max(finish.ink, 0.55)
    out = np.empty_like(inks)
    for plane, colour, base, dark in zip(out, np.moveaxis(delta, 2, 0), ground.tolist(), strong.tolist(), strict=True):
        np.multiply(inks[2], np.float32(dark), out=plane)
        plane += np.float32(base)
        plane += colour[:, 0].take(labels) * inks[0]
        plane += colour[:, 1].take(labels) * inks[1]
    return out


def _weave(lay: Lay, depth: float) -> Floats:
    """Warp and weft: a fine check along the surface's own rows and columns."""
    check = ((lay.row >> 1) + (lay.col >> 1)) & 1
    rib = (lay.row >> 1) & 1
    return np.asarray(1 - depth * (0.22 * check + 0.12 * rib), np.float32)


def _light(plan: Plan, layers: Layers, raised: Floats, fine: Floats, seams: float) -> tuple[Floats, Floats | None]:
    """Diffuse factor and highlight, each (h, w); no highlight on a dull surface."""
    finish, lay = plan.finish, layers.lay
    bulge = _bulge(layers.parts)
    on_part = layers.parts
    height = finish.relief * 2.6 * raised + 0.25 * finish.grain * fine
    nx = np.where(on_part, np.float32(0), lay.normal_x)
    ny = np.where(on_part, np.float32(0), lay.normal_y)
    surface = np.where(on_part, bulge * 9.0 + 0.25 * finish.grain * fine, height)
    scale = plan_scale(layers.labels.shape)
    nx[:, 1:-1] -= (surface[:, 2:] - surface[:, :-2]) * scale
    ny[1:-1] -= (surface[2:] - surface[:-2]) * scale
    if seams > 0.3:
        at = int(raised.shape[1] * (0.5 + 0.22 * plan.view.side))
        nx[:, at : at + 2] += 0.5 * seams
    nz = np.sqrt(np.maximum(1 - lay.normal_x**2 - lay.normal_y**2, 0.02))
    nz[on_part] = 1.0
    norm = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
    lx, ly, lz = plan.view.light
    facing = (nx * lx + ny * ly + nz * lz) * norm
    diffuse = 0.46 + 0.72 * np.maximum(facing, 0)
    if finish.gloss < 0.02:
        return np.asarray(diffuse, np.float32), None
    # Half-way vector between the light and the viewer, who looks along z.
    half = 1 / np.sqrt(lx * lx + ly * ly + (lz + 1) ** 2)
    glint = np.maximum((nx * lx + ny * ly + nz * (lz + 1)) * half * norm, 0)
    power = glint**8
    power = power * power
    highlight = finish.gloss * (0.75 * power * power + 0.12 * power)
    return np.asarray(diffuse, np.float32), np.asarray(highlight, np.float32)


def plan_scale(shape: tuple[int, ...]) -> float:
    """Relief is in units of the object; finer pixels have gentler steps."""
    return 0.5 * max(shape) / 280


def _bulge(parts: Mask) -> Floats:
    """(h, w) a height that makes flat part outlines look round."""
    if not parts.any():
        return np.zeros(parts.shape, np.float32)
    radius = max(parts.shape) / 70
    image = Image.fromarray(parts.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius))
    image = image.filter(ImageFilter.BoxBlur(radius * 0.6))
    return np.asarray(image, np.float32) / np.float32(255)
