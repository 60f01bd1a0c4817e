from __future__ import annotations

from pathlib import Path

import pytest

from sherd.errors import InvalidConfig
from sherd.relics import load_culture, resolve_spec, shipped_cultures
from sherd.relics.culture import LANGUAGES, parse_culture
from tests.relics.examples import CULTURES, source_of

SOURCE = source_of("ritual_bronze")


@pytest.mark.parametrize("name", CULTURES)
def test_a_shipped_culture_is_rich_enough_to_vary(name: str) -> None:
    culture = load_culture(name)
    assert culture.id == name
    assert len(culture.motifs) >= 8
    assert len(culture.objects) >= 5
    assert len(culture.palettes) >= 4
    assert len(culture.periods) >= 4
    for language in LANGUAGES:
        assert len(culture.wording[language].captions) >= 4
        named = [*culture.motifs, *culture.objects, *culture.parts.values(), *culture.places.values()]
        assert sum(len(thing.names[language]) > 1 for thing in named) > 0.6 * len(named)
        for many in (culture.motifs, culture.objects, culture.palettes, tuple(culture.parts.values())):
            firsts = [thing.names[language][0] for thing in many]
            assert len(set(firsts)) == len(firsts), "two things have the same name"


@pytest.mark.parametrize("name", CULTURES)
def test_everything_that_a_culture_names_is_used(name: str) -> None:
    culture = load_culture(name)
    assert {p for o in culture.objects for p in (*o.parts, *o.always)} == set(culture.parts)
    assert {place for o in culture.objects for place in o.zones} == set(culture.places)
    assert {theme for motif in culture.motifs for theme in motif.themes} == {theme.id for theme in culture.themes}


def test_a_concept_is_called_as_the_id_unless_another_is_named() -> None:
    motifs = {motif.id: motif.uri for motif in load_culture("ritual_bronze").motifs}
    assert motifs["taotie"] == "urn:sherd:taotie"
    assert motifs["thunder"] == "urn:sherd:thunder_pattern"
    assert load_culture("ritual_bronze").uri == "urn:sherd:chinese_bronze_age"


def test_cultures_share_concepts_by_what_things_are_and_not_by_ids() -> None:
    mural, silk, ceramic = (load_culture(name) for name in ("cave_mural", "silk_textile", "painted_ceramic"))
    fragments = [{entry.id: entry.uri for entry in culture.objects}["fragment"] for culture in (mural, silk)]
    assert fragments[0] != fragments[1]
    lotuses = {m.uri for c in (mural, silk, ceramic) for m in c.motifs if m.id in ("lotus", "lotus_flower")}
    assert lotuses == {"urn:sherd:lotus_flower"}
    assert {period.uri for period in mural.periods} & {period.uri for period in silk.periods}


def test_a_spec_is_a_name_a_list_a_file_or_all(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SOURCE.replace('id = "ritual_bronze"', 'id = "mine"', 1), encoding="utf-8")
    assert [c.id for c in resolve_spec("cave_mural, silk_textile,cave_mural")] == ["cave_mural", "silk_textile"]
    assert [c.id for c in resolve_spec(str(file))] == ["mine"]
    kept = [c.id for c in resolve_spec("all")]
    assert kept == [name for name in shipped_cultures() if load_culture(name).training]
    assert set(CULTURES) <= set(kept)
    with pytest.raises(InvalidConfig, match="names no culture"):
        resolve_spec(" , ")
    with pytest.raises(InvalidConfig, match="Did you mean 'ritual_bronze'"):
        resolve_spec("ritual_bronce")
    with pytest.raises(InvalidConfig, match="cannot be read"):
        load_culture(tmp_path / "absent.toml")


def test_the_same_file_gives_the_same_culture() -> None:
    assert parse_culture(SOURCE, "twin.toml") == load_culture("ritual_bronze")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("damage_chance", "damage_chanse", r"\[grammar\] has no key 'damage_chanse'. Did you mean 'damage_chance'"),
        ("weight = 1.6", "wieght = 1.6", r"\[motif 'taotie'\] has no key 'wieght'. Did you mean 'weight'"),
        ('program = "taotie"', 'program = "taotei"', r"no choice is named 'taotei'. Did you mean 'taotie'"),
        ("backgrounds =", "background =", "lacks the key 'backgrounds'. There is 'background'"),
        ('body = "box"', 'body = "bx"', "no choice is named 'bx'"),
        ('["ritual_power", "spirit_beasts"]', '["ritual_powr"]', "Did you mean 'ritual_power'"),
        ('["upright_lugs", "three_legs"]', '["upright_lug"]', "Did you mean 'upright_lugs'"),
        ("{ pendant = [1, 1] }", "{ pendent = [1, 1] }", "no key 'pendent'. Did you mean 'pendant'"),
        ("{ pendant = [1, 1] }", "{ pendant = [1, 7] }", "must be a number 0..1, got 7"),
        ("gloss = [0.05, 0.5]", "gloss = [0.5, 0.05]", "the lower bound comes first"),
        ("zones = [2, 4]", "zones = true", "must be a number"),
        ('line = "#25281c"', 'line = "green"', "must be colours like"),
        ('en_many = ["taotie", ', "en_many = [", "has 2 plurals for 3 names"),
        ("neck = [0.1, 0.34]", "neck = [0.34, 0.1]", "has no area"),
        ("neck = [0.1, 0.34]", "nek = [0.1, 0.34]", "Did you mean 'neck'"),
        ("[[0.62, 0.0], [0.63, 0.06]", "[[0.62, 0.06], [0.63, 0.0]", "must run downwards"),
        ("outline = [[0.62, 0.0], ", "edging = 0.5\noutline = [[0.62, 0.0], ", "only for a panel or slab"),
        ('id = "kui_dragon"', 'id = "taotie"', "has the id 'taotie' twice"),
        ("{place}环饰{one}带", "{place}环饰{on}带", "no slot is named 'on'. Did you mean 'one'"),
        ('crack = "{place}有裂纹"', 'crack = "{place有裂纹"', "unmatched brace"),
        ('id = "thunder"\nconcept = "thunder_pattern"', 'id = "x"\nconcept = "Thunder"', "'concept' names a concept"),
        ('id = "taotie"', 'id = "tao tie"', "'id' names a concept: write it with a-z"),
        ('intact = "保存完整"', 'intact = " "', "is empty"),
        ('id = "ritual_bronze"', "id = ", "not valid TOML"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_place_and_a_near_match(old: str, new: str, told: str) -> None:
    assert old in SOURCE
    with pytest.raises(InvalidConfig, match=told) as refused:
        parse_culture(SOURCE.replace(old, new, 1), "mine.toml")
    assert "mine.toml" in str(refused.value)


def test_a_file_without_motifs_or_with_one_caption_style_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="lacks the key 'motif'"):
        parse_culture(SOURCE.replace("[[motif]]", "[[mtf]]"), "mine.toml")
    head, styles = SOURCE.split("[captions_en.styles]\n")
    with pytest.raises(InvalidConfig, match="at least two caption styles"):
        parse_culture(f"{head}[captions_en.styles]\n{styles.splitlines()[0]}\n", "mine.toml")
