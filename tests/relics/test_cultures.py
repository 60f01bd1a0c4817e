"""What every shipped culture must be, and that a culture is data: these tests draw cultures written in TOML only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sherd.errors import InvalidConfig
from sherd.relics.captions import Seen, describe
from sherd.relics.culture import (
    BACKGROUNDS,
    BODIES,
    DAMAGES,
    LANGUAGES,
    LAYOUTS,
    OBJECT_SLOTS,
    STATES,
    Culture,
    Named,
    ObjectType,
    Wording,
    load_culture,
    parse_culture,
    resolve_spec,
    shipped_cultures,
)
from sherd.relics.grammar import Plan
from sherd.relics.independence import Traits, measure_independence
from sherd.relics.motifs import PROGRAMS
from sherd.relics.pack import shared_caption_share
from sherd.relics.parts import PART_PROGRAMS
from sherd.relics.render import FACETS, plan_of, render
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import Caption

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-culture.md"
KEPT = ("glyph_stela", "lustre_tile", "court_silver")
TRAINED = [name for name in shipped_cultures() if name not in KEPT]
GALLERY = 1_000
MOST_SHARED = 0.02
MOST_BITS = 0.05
_NUMBERS = {
    "zh": r"\d+|[一二两双三单]|唯一|多排|成排",
    "en": r"\d+|\b(?:an?|one|two|three|single|lone|solitary|pairs?)\b",
}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")

every_culture = pytest.mark.parametrize("name", shipped_cultures())


@cache
def _plans(name: str) -> tuple[Plan, ...]:
    culture = load_culture(name)
    return tuple(plan_of(culture, 5, index) for index in range(GALLERY))


def _all_seen(plan: Plan) -> list[Seen]:
    """Everything planned taken as seen: words can then be had without painting."""
    seen = [Seen("object", 0, 0)]
    seen += [Seen("motif", number, len(seen) + number, zone.place) for number, zone in enumerate(plan.zones)]
    seen += [Seen("part", number, len(seen) + number) for number in range(len(plan.parts))]
    if plan.damage is not None:
        seen.append(Seen(plan.damage, 0, len(seen), plan.zones[0].place))
    return seen


@cache
def _captions(name: str) -> tuple[tuple[Caption, ...], ...]:
    return tuple(describe(plan, _all_seen(plan))[0] for plan in _plans(name))


def _named(culture: Culture) -> Iterator[Named]:
    groups: Sequence[Sequence[Named]] = (
        culture.materials,
        culture.periods,
        culture.themes,
        culture.objects,
        culture.motifs,
        tuple(culture.parts.values()),
        tuple(culture.places.values()),
        culture.palettes,
        culture.techniques,
        culture.states,
    )
    for group in groups:
        yield from group


def _colours(culture: Culture) -> NDArray[np.float64]:
    found = [colour for part in culture.parts.values() for colour in part.colours]
    for palette in culture.palettes:
        found += [*palette.ground, *(c for pair in palette.inks for c in pair), palette.line, *palette.tarnish]
    return np.asarray(found, float)


def _templates(wording: Wording) -> set[str]:
    """The templates that shape a sentence; commas and the like between items are not counted."""
    found = {text for _, text in wording.captions} | {text for texts in wording.layouts.values() for text in texts}
    found |= {wording.ground, wording.parts, wording.part, wording.crack, wording.loss}
    return found | {wording.whole, wording.tag, wording.intact, wording.plain}


def _silhouette(entry: ObjectType) -> NDArray[np.bool_]:
    """The outline filled, stretched to a square of 64 pixels, so that only its shape counts."""
    points = np.asarray(entry.outline, float)
    if entry.body in ("revolved", "box"):
        points = np.concatenate([points, (points * (-1.0, 1.0))[::-1]])
    elif entry.body == "disc":
        turn = np.linspace(0, 2 * np.pi, 73)
        points = np.stack([np.cos(turn), np.sin(turn)], 1)
    low, high = points.min(0), points.max(0)
    image = Image.new("1", (64, 64))
    ImageDraw.Draw(image).polygon([(x, y) for x, y in ((points - low) / (high - low) * 63).tolist()], fill=1)
    return np.asarray(image)


def test_at_least_seven_cultures_ship() -> None:
    assert len(shipped_cultures()) >= 7
    assert len(resolve_spec("all")) >= 4


@every_culture
def test_a_culture_is_rich_enough(name: str) -> None:
    culture = load_culture(name)
    assert culture.id == name
    assert len(culture.motifs) >= 8
    assert len(culture.objects) >= 5
    assert len(culture.palettes) >= 4
    assert len(culture.periods) >= 4
    for language in LANGUAGES:
        assert len(culture.wording[language].captions) >= 4
        assert sum(len(motif.names[language]) > 1 for motif in culture.motifs) > len(culture.motifs) / 2
        assert all(len(texts) > 1 for texts in culture.wording[language].layouts.values())


@every_culture
def test_names_are_chinese_in_chinese_and_english_in_english(name: str) -> None:
    culture = load_culture(name)
    named = [Named("culture", culture.names), *_named(culture)]
    for entry in named:
        assert all(_CHINESE.search(word) for word in entry.names["zh"]), entry
        assert all(word.isascii() for word in entry.names["en"]), entry
    for language in LANGUAGES:
        wording = culture.wording[language]
        words = [re.sub(r"\{[^{}]*\}", "", text) for text in _templates(wording)]
        assert language == "zh" or all(text.isascii() for text in words)
        assert language == "en" or not re.search("[A-Za-z]", "".join(words))


@every_culture
def test_everything_that_a_culture_names_is_in_its_facet_of_the_thesaurus(name: str) -> None:
    culture, thesaurus = load_culture(name), builtin_thesaurus()
    techniques = [entry for entry in (*culture.techniques, *culture.palettes) if entry.concept]
    facets: dict[str, Sequence[Named]] = {
        "type": culture.objects,
        "material": (*culture.materials, *techniques),
        "culture": (culture, *culture.periods),
        "motif": (*culture.motifs, *culture.parts.values(), *(Named(kind, {}) for kind in DAMAGES)),
        "theme": culture.themes,
    }
    assert tuple(facets) == FACETS
    for facet, named in facets.items():
        for entry in named:
            assert entry.uri in thesaurus, f"{name}: {entry.id}"
            assert thesaurus.facet(entry.uri) == facet, f"{name}: {entry.id}"
    # Two motifs or types of one culture with one concept could not be told apart.
    for group in (culture.motifs, culture.objects, tuple(culture.parts.values())):
        assert len({entry.uri for entry in group}) == len(group)


def test_the_thesaurus_ties_cultures_together() -> None:
    thesaurus = builtin_thesaurus()
    phoenix = {m.uri for name in TRAINED for m in load_culture(name).motifs if m.id == "phoenix"}
    assert phoenix == {"urn:sherd:phoenix"}
    assert {"urn:sherd:bird_motif", "urn:sherd:mythical_animal"} <= thesaurus.ancestors("urn:sherd:phoenix")


def test_an_id_means_the_same_kind_of_thing_everywhere() -> None:
    kinds: dict[str, str] = {}
    for name in shipped_cultures():
        for entry in _named(load_culture(name)):
            kind = type(entry).__name__
            # Themes, materials, periods and places are free to be called as in their culture.
            if kind != "Named":
                assert kinds.setdefault(entry.id, kind) == kind, (name, entry.id)


@every_culture
def test_a_layout_clause_names_motif_and_place_and_a_caption_object_and_motifs(name: str) -> None:
    for wording in load_culture(name).wording.values():
        for texts in wording.layouts.values():
            assert all("{place}" in text and ("{one}" in text or "{many}" in text) for text in texts)
        for style, text in wording.captions:
            assert "{object}" in text.lower(), style
            assert any(slot in text for slot in ("{decor}", "{motifs}", "{tags}")), style


@every_culture
def test_everything_in_a_culture_is_drawn_within_500_plans(name: str) -> None:
    culture, plans = load_culture(name), _plans(name)[:500]
    zones = [zone for plan in plans for zone in plan.zones]
    assert {zone.motif.id for zone in zones} == {motif.id for motif in culture.motifs}
    assert {zone.place for zone in zones} == set(culture.places)
    assert {zone.layout for zone in zones} == {key for key, weight in culture.grammar.layouts.items() if weight > 0}
    assert {zone.ground.id for zone in zones if zone.ground} == set(culture.grammar.grounds)
    assert {part.part.id for plan in plans for part in plan.parts} == set(culture.parts)
    assert {plan.object.id for plan in plans} == {entry.id for entry in culture.objects}
    assert {plan.palette.id for plan in plans} == {entry.id for entry in culture.palettes}
    assert {plan.period.id for plan in plans} == {entry.id for entry in culture.periods}
    assert {plan.material.id for plan in plans} == {entry.id for entry in culture.materials}
    assert {plan.technique.id for plan in plans} == {entry.id for entry in culture.techniques}
    assert {plan.state.id for plan in plans if plan.state} == {entry.id for entry in culture.states}
    assert {plan.background for plan in plans} == set(culture.backgrounds)
    assert {theme for zone in zones for theme in zone.motif.themes} == {theme.id for theme in culture.themes}


@every_culture
@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_any_of_a_gallery_share_a_caption(name: str, language: str) -> None:
    captions = [[c.text for c in row if c.language == language] for row in _captions(name)]
    assert shared_caption_share(captions) <= MOST_SHARED
    # Nor may it be a number or a palette word alone that tells two captions apart.
    palette = sorted({word for entry in load_culture(name).palettes for word in entry.names[language]}, key=len)
    words = "|".join(re.escape(word) for word in reversed(palette))
    idle = re.compile(f"(?i:{words}|{_NUMBERS[language]})")
    assert shared_caption_share([[idle.sub("", text) for text in row] for row in captions]) <= MOST_SHARED


@every_culture
def test_captions_read_as_sentences(name: str) -> None:
    faults = {
        "zh": re.compile(r"[，；、：][，；、：。]|。。|[{} ]|（）|^[，。；]"),
        "en": re.compile(r"[,;:]\s*[,;:.]|\.\.| {2}| [,.;:)]|[{}]|\(\)|^\W|\b[Aa] [aeio]|\b[Aa]n [^aeiou]"),
    }
    for plan in _plans(name)[:300]:
        captions, phrases = describe(plan, _all_seen(plan))
        texts = [(c.language, c.text) for c in captions] + [(p.language, p.text) for p in phrases]
        for language, text in texts:
            assert not faults[language].search(text), text


@every_culture
def test_captions_come_in_several_lengths(name: str) -> None:
    for language in LANGUAGES:
        lengths: dict[str, list[int]] = {}
        for caption in (c for row in _captions(name)[:200] for c in row if c.language == language):
            lengths.setdefault(caption.style, []).append(len(caption.text))
        means = sorted(float(np.mean(found)) for found in lengths.values())
        assert means[0] < 0.8 * means[-1]


@every_culture
def test_motif_place_object_palette_and_background_vary_independently(name: str) -> None:
    traits = [
        Traits(
            object=plan.object.id,
            palette=plan.palette.id,
            background=plan.background,
            zones=tuple((zone.motif.id, zone.place) for zone in plan.zones),
            places=tuple(plan.object.zones),
        )
        for plan in _plans(name)
    ]
    bits = measure_independence(traits)
    assert max(bits.values()) < MOST_BITS, bits


def test_the_kept_cultures_are_never_trained_on() -> None:
    assert not any(load_culture(name).training for name in KEPT)
    assert {culture.id for culture in resolve_spec("all")} == set(TRAINED)


def test_no_settings_file_names_a_kept_culture_as_data() -> None:
    for file in sorted((ROOT / "configs").glob("*.toml")):
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        assert not set(KEPT) & set(told.get("data", {}).get("relics", ())), file.name


@pytest.mark.parametrize(
    ("one", "other"), [(one, other) for one in KEPT for other in shipped_cultures() if other != one]
)
def test_a_kept_culture_shares_nothing_with_the_others(one: str, other: str) -> None:
    kept, culture = load_culture(one), load_culture(other)
    assert not {motif.program for motif in kept.motifs} & {motif.program for motif in culture.motifs}
    assert not {part.program for part in kept.parts.values()} & {part.program for part in culture.parts.values()}
    assert not {motif.id for motif in kept.motifs} & {motif.id for motif in culture.motifs}
    assert not {entry.id for entry in kept.objects} & {entry.id for entry in culture.objects}
    for language in LANGUAGES:
        assert not _templates(kept.wording[language]) & _templates(culture.wording[language])
    # Not merely unequal: no colour within 2 of 255 in every channel, no shape that agrees by more than 0.93.
    apart = np.abs(_colours(kept)[:, None] - _colours(culture)[None]).max(2)
    assert apart.min() > 2.5 / 255
    for entry in kept.objects:
        for twin in culture.objects:
            a, b = _silhouette(entry), _silhouette(twin)
            assert (a & b).sum() / (a | b).sum() < 0.93, (entry.id, twin.id)


SMALLEST = """
id = "pebble"
zh = "卵石"
en = "pebble carvers"
backgrounds = ["studio"]
grammar = { zones = 1, layouts = { single = 1 }, grounds = [] }
surface = {}
material = [{ id = "stone", zh = "石", en = "stone" }]
period = [{ id = "old", zh = "古代", en = "ancient" }]
theme = [{ id = "sun", zh = "太阳", en = "the sun" }]
place = [{ id = "front", zh = "正面", en = "front" }]
motif = [{ id = "disc", program = "whorl", zh = "圆盘", en = "disc", en_many = "discs", themes = ["sun"] }]
technique = [{ id = "cut", zh = "刻", en = "cut", relief = 0.5, ink = 0.5 }]
state = [{ id = "worn", zh = "磨损", en = "worn" }]
[[object]]
id = "tablet"
zh = "牌"
en = "tablet"
body = "slab"
outline = [[0, 0], [1, 0], [1, 1], [0, 1]]
zones = { front = [0.2, 0.2, 0.8, 0.8] }
[[palette]]
id = "grey"
zh = "灰"
en = "grey"
ground = "#808080"
inks = [["#a0a0a0", "#404040"]]
line = "#202020"
tarnish = "#606060"
[captions_zh]
styles = { long = "{material}{object}，{decor}，{state}。", short = "{object}，{decor}" }
ground = "{one}"
join = "，"
last = "，"
parts = "{parts}"
part = "{part}"
crack = "{place}裂"
loss = "{place}残"
whole = "{object}"
tag = "{motif}"
intact = "完好"
plain = "素面"
themes = "、"
[captions_zh.layouts]
band = "{place}{one}"
pair = "{place}{one}"
single = "{place}一{one}"
trio = "{place}{one}"
roundels = "{place}{one}"
rows = "{place}{one}"
[captions_en]
styles = { long = "{Object} of {material}: {decor}, {state}.", short = "{object}, {decor}" }
ground = " over {many}"
join = ", "
last = " and "
parts = "with {parts}"
part = "{part}"
crack = "cracked {place}"
loss = "chipped {place}"
whole = "{object}"
tag = "{motif}"
intact = "whole"
plain = "plain"
themes = " and "
[captions_en.layouts]
band = "{many} on the {place}"
pair = "{many} on the {place}"
single = "one {one} on the {place}"
trio = "{many} on the {place}"
roundels = "{many} on the {place}"
rows = "{many} on the {place}"
"""


def test_a_culture_is_data_a_few_lines_of_toml_are_drawn_and_described(tmp_path: Path) -> None:
    file = tmp_path / "pebble.toml"
    file.write_text(SMALLEST, encoding="utf-8")
    culture = load_culture(file)
    assert culture.training
    relics = [render(culture, 0, index, 96) for index in range(6)]
    for relic in relics:
        assert relic.picture.shape == (96, 96, 3)
        assert [region.label for region in relic.regions[:2]] == ["tablet", "disc"]
        texts = [caption.text for caption in relic.captions]
        assert any("one disc on the front" in text for text in texts)
        assert any("正面一圆盘" in text for text in texts)
    assert len({relic.picture.tobytes() for relic in relics}) == len(relics)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('program = "whorl"', 'program = "whorll"', "whorl"),
        ('themes = ["sun"]', 'themes = ["moon"]', "moon"),
        ('ground = "#808080"', 'ground = "grey"', "#4a6b5d"),
        ("front = [0.2, 0.2, 0.8, 0.8]", "front = [0.8, 0.2, 0.2, 0.8]", "no area"),
        ('backgrounds = ["studio"]', 'backgrounds = ["studio"]\nbackground = 1', "background"),
        ('en_many = "discs"', 'en_many = ["discs", "rings"]', "one for each"),
        ("{Object} of {material}", "{Object} of {materiel}", "material"),
        ("zones = 1,", "zones = 9,", "1..6"),
    ],
)
def test_a_mistake_in_a_culture_is_named(old: str, new: str, message: str) -> None:
    assert old in SMALLEST
    with pytest.raises(InvalidConfig, match=re.escape(message)) as error:
        parse_culture(SMALLEST.replace(old, new, 1), "pebble.toml")
    assert "pebble.toml" in str(error.value)


def _page_example() -> str:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```toml\n(id = .*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_on_the_page_renders() -> None:
    culture = parse_culture(_page_example(), "swirl_pottery.toml")
    for index in range(8):
        relic = render(culture, 1, index, 96)
        assert {region.kind for region in relic.regions} >= {"object", "motif"}
        assert {caption.language for caption in relic.captions} == set(LANGUAGES)


def test_the_page_explains_every_key_and_program() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, program in PROGRAMS.items():
        params = ", ".join(f"{key} {low:g}..{high:g}" for key, (low, high) in program.params.items())
        assert f"| `{name}` | {program.aspect:g} | {'yes' if program.seamless else 'no'} | {params} |" in text
    for name, part in PART_PROGRAMS.items():
        params = ", ".join(f"{key} {low:g}..{high:g}" for key, (low, high) in part.params.items())
        assert f"| `{name}` | {params} |" in text
    for word in (*BODIES, *LAYOUTS, *BACKGROUNDS, *STATES, *(f"{{{slot}}}" for slot in OBJECT_SLOTS)):
        assert f"`{word}`" in text, word
    # Every key of every shipped culture, at any depth but the author's own names of places and styles, is on the page.
    keys = re.compile(r"^([a-z_]+) = ", re.MULTILINE)
    for name in shipped_cultures():
        source = (ROOT / "src/sherd/relics/cultures" / f"{name}.toml").read_text(encoding="utf-8")
        for key in keys.findall(re.sub(r"\[captions_..\.styles\][^\[]*", "", source)):
            assert f"`{key}`" in text, key


@every_culture
def test_the_page_of_rendered_relics_counts_right(name: str) -> None:
    culture = load_culture(name)
    groups = (culture.objects, culture.motifs, culture.parts, culture.palettes, culture.periods)
    counts = [*(len(group) for group in groups), len(culture.wording["en"].captions)]
    row = f"| `{name}` | {'yes' if culture.training else 'no'} | {' | '.join(map(str, counts))} |"
    assert row in (ROOT / "docs" / "rendered-relics.md").read_text(encoding="utf-8")
