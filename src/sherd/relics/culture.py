"""A culture as data: what its relics are, how they are shaped, adorned, coloured and named. Read from one TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

from sherd.errors import InvalidConfig
from sherd.relics.motifs import PROGRAMS, Range
from sherd.relics.parts import PART_PROGRAMS
from sherd.relics.toml_reader import Colour, Section

LANGUAGES = ("zh", "en")
CONCEPT_BASE = "urn:sherd:"
"""What the URIs of the thesaurus that ships with Sherd begin with."""
BODIES = ("revolved", "box", "disc", "panel", "slab")
LAYOUTS = ("band", "pair", "single", "trio", "roundels", "rows")
BACKGROUNDS = ("studio", "dark_studio", "vitrine", "wall", "earth", "cloth")
DAMAGES = ("crack", "loss")
STATES = ("worn", "soiled", "flaked")
OBJECT_SLOTS = (
    "object",
    "Object",
    "parts",
    "decor",
    "state",
    "palette",
    "way",
    "material",
    "period",
    "culture",
    "theme",
    "motifs",
    "tags",
)
CLAUSE_SLOTS = ("one", "many", "place", "ground", "way")

Words = Mapping[str, tuple[str, ...]]
"""Language -> synonyms; the first is the name."""


def concept_uri(name: str) -> str:
    """The URI of the concept of that name in the thesaurus that ships with Sherd."""
    return CONCEPT_BASE + name


@dataclass(frozen=True)
class Named:
    """Something with an id and names in each language.

    `concept` names what it is in the thesaurus, across cultures; empty for an id that is the name of its concept, and
    for palettes, places and states that have none.
    """

    id: str
    names: Words
    concept: str = field(default="", kw_only=True)

    @property
    def uri(self) -> str:
        """The URI of its concept."""
        return concept_uri(self.concept or self.id)


@dataclass(frozen=True)
class Motif(Named):
    """`one` and `many` are the English singulars and plurals, in step; Chinese needs no plural."""

    program: str
    params: Mapping[str, Range]
    plurals: tuple[str, ...]
    themes: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class ObjectType(Named):
    """A typology entry: the body, its outline, and the places that can be adorned.

    outline: for revolved, box: (half width, y) down the profile, height 1; for disc: radial steps (radius, height);
    for panel, slab: the polygon. zones: place -> two bounds of y or radius, or x0, y0, x1, y1 on a panel.
    edging: the chance of stripes along the outline of a panel or slab.
    """

    body: str
    outline: tuple[tuple[float, float], ...]
    zones: Mapping[str, tuple[float, ...]]
    parts: tuple[str, ...]
    always: tuple[str, ...]
    stretch: Range
    edging: float
    weight: float


@dataclass(frozen=True)
class Part(Named):
    """Handles, legs, lids: a drawing program with parameters. Without `colours` it is of the object's own material."""

    program: str
    params: Mapping[str, Range]
    chance: float
    colours: tuple[Colour, ...]


@dataclass(frozen=True)
class Palette(Named):
    """Colours 0..1. `inks` are pairs of BODY and ACCENT colours; `tarnish` is patina, dirt or fading.

    Its `concept` is empty where it is a mere colour and no technique, as blue and white is.
    """

    ground: tuple[Colour, ...]
    inks: tuple[tuple[Colour, Colour], ...]
    line: Colour
    tarnish: tuple[Colour, ...]


@dataclass(frozen=True)
class Technique(Named):
    """How motifs are made: `relief` -1 sunk .. 1 raised, `ink` 0..1 opacity of their colours."""

    relief: Range
    ink: Range


@dataclass(frozen=True)
class Surface:
    """What the material does to light and time; each a range 0..1."""

    gloss: Range
    tarnish: Range
    grain: Range
    weave: Range
    crackle: Range
    flaking: Range
    seams: Range


@dataclass(frozen=True)
class Grammar:
    """How a composition is put together: chances 0..1 and counts."""

    zones: tuple[int, int]
    layouts: Mapping[str, float]
    ground_chance: float
    grounds: tuple[str, ...]
    damage_chance: float
    borders: float


@dataclass(frozen=True)
class Wording:
    """The templates of one language: whole captions by style, clauses by layout, and small words."""

    captions: tuple[tuple[str, str], ...]
    layouts: Mapping[str, tuple[str, ...]]
    ground: str
    join: str
    last: str
    parts: str
    part: str
    crack: str
    loss: str
    whole: str
    tag: str
    intact: str
    plain: str
    themes: str


@dataclass(frozen=True)
class Culture(Named):
    """One culture, whole. `training` is false for cultures that no model may be trained on."""

    training: bool
    materials: tuple[Named, ...]
    periods: tuple[Named, ...]
    themes: tuple[Named, ...]
    objects: tuple[ObjectType, ...]
    motifs: tuple[Motif, ...]
    parts: Mapping[str, Part]
    places: Mapping[str, Named]
    palettes: tuple[Palette, ...]
    techniques: tuple[Technique, ...]
    states: tuple[Named, ...]
    backgrounds: tuple[str, ...]
    surface: Surface
    grammar: Grammar
    wording: Mapping[str, Wording]


def shipped_cultures() -> tuple[str, ...]:
    """Names of the cultures that come with Sherd, in order."""
    folder = resources.files("sherd.relics") / "cultures"
    return tuple(sorted(entry.name[: -len(".toml")] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_culture(name_or_path: str | Path) -> Culture:
    """The culture of that shipped name, or in that TOML file.

    Raises:
        InvalidConfig: no such culture, or the file has an unknown key, a wrong type or an impossible value.
    """
    text = str(name_or_path)
    if text in shipped_cultures():
        return _shipped(text)
    path = Path(text)
    if path.suffix != ".toml" and not path.exists():
        Section.refuse_choice("SPEC", "culture", text, shipped_cultures())
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{text}: cannot be read as a culture file ({error}). Give a TOML file in UTF-8") from error
    return parse_culture(source, path.name)


def resolve_spec(spec: str) -> tuple[Culture, ...]:
    """The cultures of a comma-separated SPEC; `all` stands for every shipped culture that may be trained on.

    Raises:
        InvalidConfig: the list is empty, or an entry is no culture.
    """
    cultures: dict[str, Culture] = {}
    for entry in (part.strip() for part in spec.split(",")):
        if entry == "all":
            found = [culture for culture in map(_shipped, shipped_cultures()) if culture.training]
        elif entry:
            found = [load_culture(entry)]
        else:
            continue
        cultures.update({culture.id: culture for culture in found})
    if not cultures:
        raise InvalidConfig(
            f"SPEC '{spec}' names no culture. Give one of {', '.join(shipped_cultures())}, `all`, or a TOML file"
        )
    return tuple(cultures.values())


@lru_cache(maxsize=64)
def _shipped(name: str) -> Culture:
    source = (resources.files("sherd.relics") / "cultures" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_culture(source, f"{name}.toml")


def parse_culture(source: str, where: str) -> Culture:
    """The culture written in the TOML text `source`; `where` names it in messages.

    Raises:
        InvalidConfig: not TOML, an unknown key (named, with a near match), a wrong type or an impossible value.
    """
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig(f"{where}: not valid TOML: {error}") from error
    top = Section(data, where, "")
    themes = tuple(_concept(s) for s in top.sections("theme"))
    parts = tuple(_part(s) for s in top.sections("part", least=0))
    places = {place.id: place for place in (_named(s) for s in top.sections("place"))}
    motifs = tuple(_motif(s, [t.id for t in themes]) for s in top.sections("motif"))
    culture = Culture(
        id=top.text("id"),
        names=_words(top),
        concept=_concept_name(top),
        training=top.flag("training", default=True),
        materials=tuple(_concept(s) for s in top.sections("material")),
        periods=tuple(_concept(s) for s in top.sections("period")),
        themes=themes,
        objects=tuple(_object(s, list(places), [p.id for p in parts]) for s in top.sections("object")),
        motifs=motifs,
        parts={part.id: part for part in parts},
        places=places,
        palettes=tuple(_palette(s) for s in top.sections("palette")),
        techniques=tuple(_technique(s) for s in top.sections("technique")),
        states=tuple(_named(s, STATES) for s in top.sections("state")),
        backgrounds=top.choices("backgrounds", BACKGROUNDS),
        surface=_surface(top.section("surface")),
        grammar=_grammar(top.section("grammar"), [m.id for m in motifs]),
        wording={language: _wording(top.section(f"captions_{language}"), language) for language in LANGUAGES},
    )
    top.finish()
    return culture


def _words(section: Section) -> Words:
    return {language: section.texts(language) for language in LANGUAGES}


def _named(section: Section, ids: Sequence[str] | None = None) -> Named:
    name = section.choice("id", ids) if ids else section.text("id")
    named = Named(name, _words(section))
    section.finish()
    return named


def _concept(section: Section) -> Named:
    named = Named(section.text("id"), _words(section), concept=_concept_name(section))
    section.finish()
    return named


def _concept_name(section: Section) -> str:
    """The concept that a table names, by default its id; it ends a URI, so only what may stand there is let in."""
    key = "concept" if "concept" in section.names() else "id"
    name = section.text(key)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        section.refuse(key, f"names a concept: write it with a-z, 0-9 and _, got {name!r}")
    return name


def _motif(section: Section, themes: Sequence[str]) -> Motif:
    program = section.choice("program", PROGRAMS)
    plurals = section.texts("en_many")
    motif = Motif(
        id=section.text("id"),
        names=_words(section),
        concept=_concept_name(section),
        program=program,
        params={**PROGRAMS[program].params, **section.ranges("params", PROGRAMS[program].params)},
        plurals=plurals,
        themes=section.choices("themes", themes),
        weight=section.number("weight", 0.01, 100, default=1.0),
    )
    if len(plurals) != len(motif.names["en"]):
        section.refuse(
            "en_many", f"has {len(plurals)} plurals for {len(motif.names['en'])} names in `en`; give one for each"
        )
    section.finish()
    return motif


def _object(section: Section, places: Sequence[str], parts: Sequence[str]) -> ObjectType:
    body = section.choice("body", BODIES)
    flat = body in ("panel", "slab")
    zones = section.number_lists("zones", 4 if flat else 2, places)
    for place, bounds in zones.items():
        if bounds[0] >= bounds[len(bounds) // 2] or (flat and bounds[1] >= bounds[3]):
            section.refuse("zones", f"'{place}' is {list(bounds)}, which has no area; give the lower bound first")
    outline = section.points("outline", least=3 if flat else 2)
    if body in ("revolved", "box") and any(b[1] <= a[1] for a, b in pairwise(outline)):
        section.refuse("outline", "must run downwards: each y above the one before")
    entry = ObjectType(
        id=section.text("id"),
        names=_words(section),
        concept=_concept_name(section),
        body=body,
        outline=outline,
        zones=zones,
        parts=section.choices("parts", parts, least=0, default=()),
        always=section.choices("always", parts, least=0, default=()),
        stretch=section.range("stretch", 0.2, 4, default=(0.9, 1.1)),
        edging=section.number("edging", 0, 1, default=0.0),
        weight=section.number("weight", 0.01, 100, default=1.0),
    )
    if entry.edging and not flat:
        section.refuse("edging", f"is only for a panel or slab, not for a body that is '{body}'")
    section.finish()
    return entry


def _part(section: Section) -> Part:
    program = section.choice("program", PART_PROGRAMS)
    known = PART_PROGRAMS[program].params
    part = Part(
        id=section.text("id"),
        names=_words(section),
        concept=_concept_name(section),
        program=program,
        params={**known, **section.ranges("params", known)},
        chance=section.number("chance", 0, 1, default=0.4),
        colours=section.colours("colours", least=0),
    )
    section.finish()
    return part


def _palette(section: Section) -> Palette:
    palette = Palette(
        id=section.text("id"),
        names=_words(section),
        concept=_concept_name(section) if "concept" in section.names() else "",
        ground=section.colours("ground"),
        inks=section.colour_pairs("inks"),
        line=section.colours("line")[0],
        tarnish=section.colours("tarnish"),
    )
    section.finish()
    return palette


def _technique(section: Section) -> Technique:
    entry = Technique(
        id=section.text("id"),
        names=_words(section),
        concept=_concept_name(section),
        relief=section.range("relief", -1, 1),
        ink=section.range("ink", 0, 1),
    )
    section.finish()
    return entry


def _surface(section: Section) -> Surface:
    keys = ("gloss", "tarnish", "grain", "weave", "crackle", "flaking", "seams")
    surface = Surface(**{key: section.range(key, 0, 1, default=(0.0, 0.0)) for key in keys})
    section.finish()
    return surface


def _grammar(section: Section, motifs: Sequence[str]) -> Grammar:
    few, most = section.range("zones", 1, 6)
    grammar = Grammar(
        zones=(round(few), round(most)),
        layouts=section.weights("layouts", LAYOUTS),
        ground_chance=section.number("ground_chance", 0, 1, default=0.2),
        grounds=section.choices("grounds", motifs, least=0),
        damage_chance=section.number("damage_chance", 0, 1, default=0.4),
        borders=section.number("borders", 0, 1, default=0.5),
    )
    section.finish()
    return grammar


def _wording(section: Section, language: str) -> Wording:
    styles = section.section("styles")
    captions = tuple((style, styles.template(style, OBJECT_SLOTS)) for style in styles.names())
    if len(captions) < 2:
        styles.refuse("styles", "needs at least two caption styles")
    styles.finish()
    layouts = section.section("layouts")
    clauses = {layout: layouts.templates(layout, CLAUSE_SLOTS) for layout in LAYOUTS}
    layouts.finish()
    wording = Wording(
        captions=captions,
        layouts=clauses,
        ground=section.template("ground", ("one", "many")),
        join=section.text("join", strip=False),
        last=section.text("last", strip=False),
        parts=section.template("parts", ("parts",)),
        part=section.template("part", ("part", "object")),
        crack=section.template("crack", ("place",)),
        loss=section.template("loss", ("place",)),
        whole=section.template("whole", ("material", "object", "culture", "palette")),
        tag=section.template("tag", ("motif", "place")),
        intact=section.text("intact"),
        plain=section.text("plain"),
        themes=section.text("themes", strip=False),
    )
    section.finish()
    return wording
