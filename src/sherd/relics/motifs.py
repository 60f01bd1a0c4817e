"""The motif programs by name, and their tiles: drawn once for each rounded set of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from PIL import Image

from sherd.relics import motifs_beasts as beasts
from sherd.relics import motifs_figures as figures
from sherd.relics import motifs_geometry as geometry
from sherd.relics import motifs_glyphs as glyphs
from sherd.relics import motifs_plants as plants
from sherd.relics import motifs_silver as silver
from sherd.relics import motifs_silver_beasts as silver_beasts
from sherd.relics import motifs_tilework as tilework
from sherd.relics.pen import Pen

Range = tuple[float, float]
LEVELS = 5
"""A parameter takes this many values over its range: tiles vary, and the cache is still hit."""


@dataclass(frozen=True)
class Program:
    """A drawing in a tile `aspect` wide and 1 high. `params`: name -> (low, high)."""

    draw: Callable[[Pen, Mapping[str, float]], None]
    aspect: float
    params: Mapping[str, Range]
    seamless: bool = False
    """The tile joins itself left to right."""


_STROKE: Range = (0.8, 1.3)

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "taotie": Program(
            beasts.taotie, 1.6, {"stroke": _STROKE, "horn": (0, 1), "eye": (0.85, 1.25), "fangs": (0, 1)}
        ),
        "kui_dragon": Program(beasts.kui_dragon, 1.7, {"stroke": _STROKE, "tail": (0, 1), "crest": (0, 1)}),
        "cicada": Program(beasts.cicada, 0.62, {"stroke": _STROKE, "rings": (3, 6)}),
        "phoenix": Program(beasts.phoenix, 1.5, {"stroke": _STROKE, "plumes": (2, 4)}),
        "coiled_serpents": Program(beasts.coiled_serpents, 1.0, {"stroke": _STROKE}, seamless=True),
        "whorl": Program(beasts.whorl, 1.0, {"stroke": _STROKE, "hooks": (4, 7)}),
        "scales": Program(beasts.scales, 1.0, {"stroke": (0.8, 1.2), "rows": (2, 3)}, seamless=True),
        "fish": Program(beasts.fish, 1.7, {"scales": (4, 7)}),
        "deer": Program(beasts.deer, 1.15, {"stroke": _STROKE, "spots": (4, 10)}),
        "lotus_petals": Program(plants.lotus_petals, 0.7, {"wide": (0, 1), "pointed": (0.3, 1)}, seamless=True),
        "lotus_flower": Program(plants.lotus_flower, 1.35, {"petals": (5, 9)}),
        "rosette": Program(plants.rosette, 1.0, {"petals": (6, 10), "inner": (0, 1)}),
        "peony": Program(plants.peony, 1.4, {"petals": (6, 9)}),
        "scroll_vine": Program(plants.scroll_vine, 2.0, {"stroke": _STROKE, "leaves": (2, 4)}, seamless=True),
        "banana_leaf": Program(plants.banana_leaf, 0.56, {"stroke": _STROKE, "veins": (0, 1)}),
        "plum_blossom": Program(plants.plum_blossom, 1.4, {"stroke": _STROKE, "flowers": (3, 5)}),
        "cloud": Program(plants.cloud, 1.5, {"stroke": _STROKE, "turns": (0, 1)}),
        "hooked_cloud": Program(plants.hooked_cloud, 1.3, {"stroke": _STROKE, "leaf": (0, 1)}, seamless=True),
        "waves": Program(plants.waves, 1.5, {"arcs": (3, 5)}, seamless=True),
        "ruyi": Program(plants.ruyi, 0.95, {"stroke": _STROKE, "heart": (0, 1)}),
        "tree": Program(plants.tree, 0.9, {"boughs": (2, 4)}),
        "thunder": Program(geometry.thunder, 1.0, {"stroke": _STROKE, "turns": (2, 3), "round": (0, 1)}, seamless=True),
        "bosses": Program(geometry.bosses, 1.0, {"size": (0, 1), "net": (0, 1)}, seamless=True),
        "key_fret": Program(geometry.key_fret, 1.2, {"stroke": _STROKE, "double": (0, 1)}, seamless=True),
        "pearl_roundel": Program(geometry.pearl_roundel, 1.0, {"pearls": (10, 18), "points": (4, 8)}),
        "bead_band": Program(geometry.bead_band, 1.5, {"beads": (2, 3)}, seamless=True),
        "lattice": Program(geometry.lattice, 0.9, {"rings": (2, 4)}, seamless=True),
        "zigzag": Program(geometry.zigzag, 0.7, {"stroke": _STROKE, "rows": (2, 4)}, seamless=True),
        "interlace": Program(geometry.interlace, 1.8, {"stroke": _STROKE}, seamless=True),
        "triangles": Program(geometry.triangles, 0.8, {"nested": (0, 1)}, seamless=True),
        "coins": Program(geometry.coins, 1.0, {"stroke": _STROKE}, seamless=True),
        "apsara": Program(figures.apsara, 1.75, {"lift": (0, 1), "folds": (2, 5)}),
        "seated_buddha": Program(figures.seated_buddha, 0.85, {"petals": (5, 9), "hands": (0, 1)}),
        "bodhisattva": Program(figures.bodhisattva, 0.6, {"petals": (5, 8), "sway": (0, 1)}),
        "horse_rider": Program(figures.horse_rider, 1.35, {"gallop": (0, 1)}),
        "canopy": Program(figures.canopy, 1.3, {"tassels": (4, 7)}),
        "flame_jewel": Program(figures.flame_jewel, 0.95, {"tongues": (5, 9)}),
        "musician": Program(figures.musician, 0.95, {"tilt": (0, 1)}),
        "face_glyph": Program(glyphs.face_glyph, 1.0, {"eye": (0.8, 1.3)}),
        "knot_glyph": Program(glyphs.knot_glyph, 1.0, {"stroke": _STROKE}),
        "bar_and_dot": Program(glyphs.bar_and_dot, 1.0, {"bars": (1, 3), "dots": (1, 4)}),
        "feathered_serpent": Program(glyphs.feathered_serpent, 2.0, {"plumes": (2, 4)}),
        "ruler": Program(glyphs.ruler, 0.62, {"plumes": (5, 9)}),
        "sky_band": Program(glyphs.sky_band, 2.0, {"stroke": _STROKE}, seamless=True),
        "sun_disc": Program(glyphs.sun_disc, 1.0, {"rays": (8, 16)}),
        "stepped_mountain": Program(glyphs.stepped_mountain, 1.1, {"steps": (3, 4)}, seamless=True),
        "shell_water": Program(glyphs.shell_water, 1.5, {"bands": (2, 3)}, seamless=True),
        "arabesque": Program(tilework.arabesque, 1.6, {"stroke": _STROKE, "bud": (0, 1)}, seamless=True),
        "star_interlace": Program(tilework.star_interlace, 1.0, {"strap": (0.7, 1.3), "heart": (4, 8)}, seamless=True),
        "kufic": Program(tilework.kufic, 2.2, {"stroke": _STROKE, "plait": (0, 1)}, seamless=True),
        "tulip": Program(tilework.tulip, 0.62, {"stroke": _STROKE, "open": (0, 1)}),
        "cypress": Program(tilework.cypress, 0.5, {"rows": (4, 8), "mound": (0, 1)}),
        "palmette_fan": Program(tilework.palmette_fan, 0.95, {"stroke": _STROKE, "lobes": (5, 9)}),
        "running_hare": Program(tilework.running_hare, 1.5, {"leap": (0, 1), "leaves": (3, 6)}),
        "lion_and_sun": Program(tilework.lion_and_sun, 1.3, {"rays": (9, 15), "mane": (0, 1)}),
        "peacock_fan": Program(tilework.peacock_fan, 1.2, {"stroke": _STROKE, "eyes": (5, 9)}),
        "falconer": Program(tilework.falconer, 1.2, {"step": (0, 1), "turban": (0, 1)}),
        "enthroned_prince": Program(tilework.enthroned_prince, 0.9, {"folds": (2, 4), "cup": (0, 1)}),
        "winged_sphinx": Program(tilework.winged_sphinx, 1.25, {"curl": (0, 1), "points": (3, 5)}),
        "pomegranate_spray": Program(tilework.pomegranate_spray, 0.9, {"seeds": (4, 8), "open": (0, 1)}),
        "saz_leaf": Program(tilework.saz_leaf, 1.6, {"teeth": (5, 9), "bend": (0, 1)}),
        "beribboned_ram": Program(silver_beasts.beribboned_ram, 1.2, {"ribbons": (2, 3), "curl": (0, 1)}),
        "leaping_ibex": Program(silver_beasts.leaping_ibex, 1.3, {"leap": (0, 1), "ridges": (4, 8)}),
        "boar_head": Program(silver_beasts.boar_head, 1.25, {"bristles": (6, 11), "tusk": (0, 1)}),
        "war_elephant": Program(silver_beasts.war_elephant, 1.3, {"trunk": (0, 1), "cloth": (0, 1)}),
        "humped_bull": Program(silver_beasts.humped_bull, 1.35, {"hump": (0, 1), "horn": (0, 1)}),
        "beaked_griffin": Program(silver_beasts.beaked_griffin, 1.15, {"feathers": (3, 5), "crest": (0, 1)}),
        "winged_steed": Program(silver_beasts.winged_steed, 1.2, {"feathers": (3, 5), "step": (0, 1)}),
        "simurgh": Program(silver_beasts.simurgh, 1.3, {"plumes": (4, 7), "fangs": (0, 1)}),
        "spread_eagle": Program(silver_beasts.spread_eagle, 1.3, {"feathers": (4, 7), "tail": (0, 1)}),
        "scarf_dancer": Program(silver.scarf_dancer, 0.85, {"sway": (0, 1), "scarf": (0, 1)}),
        "fire_altar": Program(silver.fire_altar, 0.85, {"tongues": (3, 6), "steps": (2, 4)}),
        "crescent_star": Program(silver.crescent_star, 1.0, {"points": (5, 8), "open": (0, 1)}),
        "winged_crown": Program(silver.winged_crown, 1.15, {"merlons": (3, 4), "feathers": (3, 5)}),
        "vine_bunch": Program(silver.vine_bunch, 1.5, {"stroke": _STROKE, "grapes": (3, 4)}, seamless=True),
        "sacred_tree": Program(silver.sacred_tree, 0.8, {"stroke": _STROKE, "boughs": (2, 4)}),
        "royal_archer": Program(silver.royal_archer, 1.45, {"gallop": (0, 1), "bow": (0, 1)}),
        "twisted_cable": Program(silver.twisted_cable, 1.4, {"pairs": (2, 3), "beads": (4, 6)}, seamless=True),
        "heart_net": Program(silver.heart_net, 1.0, {"stroke": _STROKE, "full": (0, 1)}, seamless=True),
    }
)


def motif_tile(program: str, values: tuple[tuple[str, float], ...]) -> Image.Image:
    """The tile of `program` drawn with `values`; callers must not draw on it."""
    return _tile(program, values)


@lru_cache(maxsize=6_000)
def _tile(program: str, values: tuple[tuple[str, float], ...]) -> Image.Image:
    entry = PROGRAMS[program]
    pen = Pen(entry.aspect)
    entry.draw(pen, dict(values))
    return pen.tile()
