"""Where a relic is photographed: studio, vitrine, wall, ground, cloth. Independent of what stands there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sherd.relics.silhouettes import Floats, Mask
from sherd.relics.surfaces import noise_crop


def background(name: str, size: int, bottom: float, rng: np.random.Generator) -> Floats:
    """(size, size, 3) colours 0..1. `bottom`: y of the object's foot, in pixels."""
    return _SCENES[name](size, bottom, rng)


def cast_shadow(scene: Floats, mask: Mask, name: str, light_x: float, rng: np.random.Generator) -> Floats:
    """The scene with the object's shadow on it: on the floor below, and softly behind."""
    size = scene.shape[0]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return scene
    x0, x1, y1 = int(columns[0]), int(columns[-1]), int(rows[-1])
    shade = Image.new("L", (size, size))
    draw = ImageDraw.Draw(shade)
    if name in ("studio", "dark_studio", "vitrine", "cloth"):
        shift, deep = -light_x * 0.12 * size, 0.025 * size + 0.04 * (x1 - x0)
        draw.ellipse((x0 + shift, y1 - deep, x1 + shift, y1 + deep * 0.8), fill=170)
    behind = Image.fromarray(mask.astype(np.uint8) * 90)
    shade.paste(behind, (round(-light_x * 0.04 * size), round(0.02 * size)), behind)
    soft = np.asarray(shade.filter(ImageFilter.BoxBlur(size / 45)), np.float32)
    return np.asarray(scene * (1 - soft / 255 * 0.62)[:, :, None], np.float32)


def glass(picture: Floats, rng: np.random.Generator) -> Floats:
    """Faint reflections of a pane before the object."""
    size = picture.shape[0]
    pane = Image.new("L", (size, size))
    draw = ImageDraw.Draw(pane)
    for _ in range(int(rng.integers(1, 4))):
        x, w, lean = rng.uniform(-0.2, 1.0) * size, rng.uniform(0.03, 0.2) * size, rng.uniform(0.1, 0.5) * size
        draw.polygon([(x + lean, 0), (x + lean + w, 0), (x + w, size), (x, size)], fill=int(rng.integers(20, 75)))
    for _ in range(int(rng.integers(0, 3))):
        x, y, r = (rng.uniform(0, 1, 3) * size * (1, 0.4, 0.05)).tolist()
        draw.ellipse((x - r, y - r, x + r, y + r), fill=150)
    veil = np.asarray(pane.filter(ImageFilter.BoxBlur(size / 80)), np.float32)[:, :, None] / 255
    return np.asarray(picture + (1 - picture) * veil, np.float32)


def _tone(rng: np.random.Generator, low: float, high: float, tint: float = 0.05) -> Floats:
    """A nearly grey colour."""
    return np.asarray(rng.uniform(low, high) + rng.uniform(-tint, tint, 3), np.float32)


def _studio(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    top, floor = _tone(rng, 0.35, 0.95), _tone(rng, 0.45, 0.97)
    if rng.random() < 0.3:
        top = _tone(rng, 0.25, 0.75, 0.09)
        floor = top * 1.1
    t = np.clip((np.arange(size, dtype=np.float32) / size - 0.35) * 1.8, 0, 1)[:, None, None]
    x = np.linspace(-1, 1, size, dtype=np.float32)[None, :, None]
    scene = top + (floor - top) * t
    return np.asarray(scene * (1 - 0.13 * (x - rng.uniform(-0.6, 0.6)) ** 2), np.float32)


def _dark_studio(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    x = np.linspace(-1, 1, size, dtype=np.float32)
    glow = np.exp(-1.6 * ((x[None, :] - rng.uniform(-0.4, 0.4)) ** 2 + (x[:, None] - rng.uniform(-0.3, 0.3)) ** 2))
    return np.asarray(0.03 + _tone(rng, 0.1, 0.3, 0.04) * glow[:, :, None], np.float32)


def _vitrine(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    scene = np.empty((size, size, 3), np.float32)
    shelf = int(min(size * 0.96, bottom - size * rng.uniform(0.02, 0.08)))
    fade = np.linspace(1.12, 0.8, size, dtype=np.float32)[:, None, None]
    scene[:] = _tone(rng, 0.25, 0.75, 0.09) * fade
    scene[shelf:] = _tone(rng, 0.5, 0.92) * np.linspace(0.85, 1.0, size - shelf, dtype=np.float32)[:, None, None]
    scene[max(shelf - 1, 0) : shelf] *= 0.6
    for side in (0.0, 1.0):
        if rng.random() < 0.6:
            x = int(abs(side - rng.uniform(0.0, 0.08)) * (size - 4))
            scene[:, x : x + 3] = scene[:, x : x + 3] * 0.5 + 0.15
    if rng.random() < 0.5 and size - shelf > 8:
        x, y = int(rng.uniform(0.05, 0.75) * size), min(size - 5, shelf + int(0.5 * (size - shelf)))
        scene[y : y + max(4, size // 24), x : x + size // 6] = 0.93
    return scene


def _wall(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    base = np.asarray([0.62, 0.56, 0.47], np.float32) * rng.uniform(0.5, 1.25) + rng.uniform(-0.06, 0.06, 3)
    rough = 1 + 0.1 * noise_crop("mid", size, size, rng) + 0.06 * noise_crop("soft", size, size, rng)
    if rng.random() < 0.55:
        course, brick = int(size * rng.uniform(0.09, 0.2)), int(size * rng.uniform(0.16, 0.4))
        rows, columns = np.arange(size)[:, None], np.arange(size)[None, :]
        odd = (rows // course) % 2
        joint = (rows % course < 2) | ((columns + odd * (brick // 2)) % brick < 2)
        rough = rough * np.where(joint, 0.68, 1.0)
    return np.asarray(base * rough[:, :, None], np.float32)


def _earth(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    base = np.asarray([0.47, 0.36, 0.25], np.float32) * rng.uniform(0.65, 1.4) + rng.uniform(-0.04, 0.04, 3)
    rough = 1 + 0.16 * noise_crop("mid", size, size, rng) + 0.12 * noise_crop("fine", size, size, rng)
    scene = Image.fromarray((np.clip(base * rough[:, :, None], 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(scene)
    for _ in range(int(rng.integers(4, 22))):
        x, y, r = (rng.uniform(0, 1, 3) * size * (1, 1, 0.03)).tolist()
        v = int(rng.integers(60, 190))
        draw.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), fill=(v, int(v * 0.92), int(v * 0.82)))
    if rng.random() < 0.25:
        x, y, w = rng.uniform(0.05, 0.5) * size, rng.uniform(0.93, 0.96) * size, size * 0.055
        for k in range(5):
            draw.rectangle(
                (x + k * w, y, x + (k + 1) * w, y + size * 0.02), fill=(20, 20, 20) if k % 2 else (240, 240, 240)
            )
    return np.asarray(scene, np.float32) / np.float32(255)


def _cloth(size: int, bottom: float, rng: np.random.Generator) -> Floats:
    base = np.clip(rng.uniform(0.12, 0.75) * (1 + rng.uniform(-0.28, 0.28, 3)), 0.05, 0.9)
    angle, wave = rng.uniform(0, np.pi), rng.uniform(3, 9)
    t = np.linspace(0, 1, size, dtype=np.float32)
    along = np.cos(angle) * t[None, :] + np.sin(angle) * t[:, None]
    folds = np.sin(2 * np.pi * wave * along + 0.8 * noise_crop("soft", size, size, rng))
    return np.asarray(base * (1 + 0.07 * folds + 0.04 * noise_crop("fine", size, size, rng))[:, :, None], np.float32)


_SCENES: Mapping[str, Callable[[int, float, np.random.Generator], Floats]] = MappingProxyType(
    {
        "studio": _studio,
        "dark_studio": _dark_studio,
        "vitrine": _vitrine,
        "wall": _wall,
        "earth": _earth,
        "cloth": _cloth,
    }
)
