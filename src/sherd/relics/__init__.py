"""Drawing of relics of our own, with exact truth: what is on them, where, and how it is called."""

from sherd.relics.culture import Culture, load_culture, resolve_spec, shipped_cultures
from sherd.relics.pack import PackReport, render_pack
from sherd.relics.render import RegionTruth, Relic, render
from sherd.relics.sheet import contact_sheet

__all__ = [
    "Culture",
    "PackReport",
    "RegionTruth",
    "Relic",
    "contact_sheet",
    "load_culture",
    "render",
    "render_pack",
    "resolve_spec",
    "shipped_cultures",
]
