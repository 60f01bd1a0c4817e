"""Composition: a plan of one relic, drawn by chance from a culture's grammar. Pure data, nothing is painted here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sherd.relics.culture import DAMAGES, Culture, Motif, Named, ObjectType, Palette, Part, Technique
from sherd.relics.motifs import LEVELS, PROGRAMS, Range
from sherd.relics.toml_reader import Colour

T = TypeVar("T")
Values = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ZonePlan:
    """One adorned place: which motif, laid out how."""

    place: str
    motif: Motif
    layout: str
    values: Values
    flip: bool
    ground: Motif | None
    ground_values: Values
    inks: int
    phase: float
    dense: float


@dataclass(frozen=True)
class PartPlan:
    """One added part with its measures; `colour` is None where it is of the object's own material."""

    part: Part
    values: Mapping[str, float]
    colour: Colour | None


@dataclass(frozen=True)
class View:
    """How the object stands in the picture: size of the longer side, place, turn (radians), height of the eye."""

    scale: float
    dx: float
    dy: float
    turn: float
    tilt: float
    side: int
    light: tuple[float, float, float]
    stretch: float
    swell: tuple[float, ...]


@dataclass(frozen=True)
class Finish:
    """The material and the photograph: 0..1 each but for ground, tarnish (indices) and quality (JPEG)."""

    ground: int
    tarnish_colour: int
    gloss: float
    tarnish: float
    grain: float
    weave: float
    crackle: float
    flaking: float
    seams: float
    relief: float
    ink: float
    blur: float
    exposure: float
    warmth: float
    noise: float
    quality: int


@dataclass(frozen=True)
class Plan:
    """One relic, before it is drawn."""

    culture: Culture
    object: ObjectType
    material: Named
    period: Named
    palette: Palette
    technique: Technique
    state: Named | None
    damage: str | None
    zones: tuple[ZonePlan, ...]
    parts: tuple[PartPlan, ...]
    background: str
    borders: bool
    edging: float
    """Width of the stripes along the outline, as a share of the height; 0 for none."""
    view: View
    finish: Finish
    noise_seed: int
    caption_seed: int


def compose(culture: Culture, rng: np.random.Generator) -> Plan:
    """A plan by chance. Motif, place, object, palette and background are drawn independently of each other."""
    entry = pick(rng, culture.objects, [o.weight for o in culture.objects])
    palette = pick(rng, culture.palettes)
    technique = pick(rng, culture.techniques)
    background = pick(rng, culture.backgrounds)
    grammar = culture.grammar
    states = [state for state in culture.states if rng.random() < 0.3]
    state = pick(rng, states) if states else None
    zones = _zones(culture, entry, palette, rng)
    names = [name for name in entry.parts if rng.random() < culture.parts[name].chance]
    parts = tuple(_part(culture.parts[name], rng) for name in (*entry.always, *names[:3]))
    light_x, light_y = rng.uniform(-0.75, 0.75), rng.uniform(-0.8, -0.25)
    norm = float(np.sqrt(light_x**2 + light_y**2 + 0.55))
    return Plan(
        culture=culture,
        object=entry,
        material=pick(rng, culture.materials),
        period=pick(rng, culture.periods),
        palette=palette,
        technique=technique,
        state=state,
        damage=pick(rng, DAMAGES) if rng.random() < grammar.damage_chance else None,
        zones=zones,
        parts=parts,
        background=background,
        borders=bool(rng.random() < grammar.borders),
        edging=float(rng.uniform(0.012, 0.035)) if rng.random() < entry.edging else 0.0,
        view=View(
            scale=float(rng.uniform(0.72, 0.94)),
            dx=float(rng.uniform(-1, 1)),
            dy=float(rng.uniform(-1, 1)),
            turn=float(rng.normal(0, 0.035)),
            tilt=float(rng.uniform(0.06, 0.26)),
            side=1 if rng.random() < 0.5 else -1,
            light=(float(light_x / norm), float(light_y / norm), float(np.sqrt(0.55) / norm)),
            stretch=uniform(rng, entry.stretch),
            swell=tuple(rng.normal(0, 0.035, len(entry.outline)).tolist()),
        ),
        finish=_finish(culture, palette, technique, state, rng),
        noise_seed=int(rng.integers(2**31)),
        caption_seed=int(rng.integers(2**31)),
    )


def pick(rng: np.random.Generator, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """One of `items`, by weight."""
    if weights is None:
        return items[int(rng.integers(len(items)))]
    total = np.cumsum(weights)
    return items[int(np.searchsorted(total, rng.random() * total[-1], side="right").clip(0, len(items) - 1))]


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number in the range."""
    return float(bounds[0] + (bounds[1] - bounds[0]) * rng.random())


def motif_values(motif: Motif, rng: np.random.Generator) -> Values:
    """Parameters for a motif's program, each one of LEVELS steps over its range; a count is a whole number."""
    values = []
    for name, (low, high) in motif.params.items():
        own = PROGRAMS[motif.program].params[name]
        if _counts(own):
            values.append((name, float(rng.integers(round(low), round(high) + 1))))
        else:
            values.append((name, low + (high - low) * int(rng.integers(LEVELS)) / (LEVELS - 1)))
    return tuple(values)


def _counts(bounds: Range) -> bool:
    """Whether a parameter is a count: both ends whole and above one."""
    return bounds[0] >= 1 and all(float(b).is_integer() for b in bounds)


def _zones(culture: Culture, entry: ObjectType, palette: Palette, rng: np.random.Generator) -> tuple[ZonePlan, ...]:
    places = list(entry.zones)
    few, most = culture.grammar.zones
    count = min(len(places), int(rng.integers(few, most + 1)))
    chosen = sorted(rng.permutation(len(places))[:count].tolist())
    weights = [motif.weight for motif in culture.motifs]
    layouts = list(culture.grammar.layouts)
    layout_weights = [culture.grammar.layouts[name] for name in layouts]
    grounds = [motif for motif in culture.motifs if motif.id in culture.grammar.grounds]
    plans: list[ZonePlan] = []
    used: set[str] = set()
    for index in chosen:
        motif = pick(rng, culture.motifs, weights)
        while motif.id in used and len(used) < len(culture.motifs):
            motif = pick(rng, culture.motifs, weights)
        used.add(motif.id)
        ground = pick(rng, grounds) if grounds and rng.random() < culture.grammar.ground_chance else None
        if ground is not None and (ground.id == motif.id or PROGRAMS[motif.program].seamless):
            ground = None
        plans.append(
            ZonePlan(
                place=places[index],
                motif=motif,
                layout=pick(rng, layouts, layout_weights),
                values=motif_values(motif, rng),
                flip=bool(rng.random() < 0.5),
                ground=ground,
                ground_values=motif_values(ground, rng) if ground else (),
                inks=int(rng.integers(len(palette.inks))),
                phase=float(rng.random()),
                dense=float(rng.random()),
            )
        )
    return tuple(plans)


def _part(part: Part, rng: np.random.Generator) -> PartPlan:
    values = {name: uniform(rng, bounds) for name, bounds in part.params.items()}
    return PartPlan(part, values, pick(rng, part.colours) if part.colours else None)


def _finish(
    culture: Culture, palette: Palette, technique: Technique, state: Named | None, rng: np.random.Generator
) -> Finish:
    surface = culture.surface
    worn, soiled, flaked = (state is not None and state.id == name for name in ("worn", "soiled", "flaked"))
    relief, ink = uniform(rng, technique.relief), uniform(rng, technique.ink)
    tarnish, flaking = uniform(rng, surface.tarnish), uniform(rng, surface.flaking)
    return Finish(
        ground=int(rng.integers(len(palette.ground))),
        tarnish_colour=int(rng.integers(len(palette.tarnish))),
        gloss=uniform(rng, surface.gloss) * (0.4 if worn else 1.0),
        tarnish=min(1.0, tarnish + 0.35) if soiled else tarnish,
        grain=uniform(rng, surface.grain),
        weave=uniform(rng, surface.weave),
        crackle=uniform(rng, surface.crackle),
        flaking=min(0.5, flaking + 0.25) if flaked else flaking,
        seams=uniform(rng, surface.seams),
        relief=relief * (0.6 if worn else 1.0),
        ink=ink * (0.75 if worn else 1.0),
        blur=float(max(0.0, rng.normal(0.1, 0.28))),
        exposure=float(rng.normal(1.0, 0.1)),
        warmth=float(rng.normal(0, 0.04)),
        noise=float(rng.uniform(0.0, 0.025)),
        quality=int(rng.integers(78, 95)),
    )
