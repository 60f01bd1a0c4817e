from __future__ import annotations

import re

import pytest

from sherd.relics import load_culture
from sherd.relics.captions import Seen, describe, themes_of
from sherd.relics.culture import LANGUAGES, Culture
from sherd.relics.pack import shared_caption_share
from sherd.relics.render import plan_of
from sherd.types import Caption
from tests.relics.examples import CULTURES, plans, words

_NUMBERS = {"zh": r"[一二两三四五六七八九十单双对\d]", "en": r"\b(\d+|one|two|three|four|five|six|single|pair)\b"}


def _gallery(culture: Culture) -> list[tuple[Caption, ...]]:
    return [words(plan)[0] for plan in plans(culture, 1000)]


def _bare(text: str, language: str, culture: Culture) -> str:
    """The caption without its numbers and palette words."""
    names = [name for palette in culture.palettes for name in palette.names[language]]
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(re.escape(name), "", text, flags=re.IGNORECASE)
    return re.sub(_NUMBERS[language], "", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("name", CULTURES)
def test_of_a_thousand_relics_at_most_two_in_a_hundred_share_a_caption(name: str) -> None:
    culture = load_culture(name)
    gallery = _gallery(culture)
    for language in LANGUAGES:
        own = [[c.text for c in captions if c.language == language] for captions in gallery]
        assert shared_caption_share(own) <= 0.02
        # Nor would they be told apart by a number or a colour alone.
        bare = [[_bare(text, language, culture) for text in texts] for texts in own]
        assert shared_caption_share(bare) <= 0.02
        assert shared_caption_share(bare) == shared_caption_share(own)


@pytest.mark.parametrize("name", CULTURES)
def test_captions_are_clean_sentences_of_several_styles_and_lengths(name: str) -> None:
    culture = load_culture(name)
    for plan in plans(culture, 100, seed=3):
        captions, phrases = words(plan)
        for language in LANGUAGES:
            own = [c for c in captions if c.language == language]
            assert {c.style for c in own} == {style for style, _ in culture.wording[language].captions}
            assert max(len(c.text) for c in own) > 1.5 * min(len(c.text) for c in own)
        for text in [c.text for c in captions] + [p.text for p in phrases]:
            assert text == text.strip()
            assert not re.search(r"[{}]|  | [,.;:]|[,;:.]{2}|[，。；：、]{2}|\ba [aeio]|\b(\w+) \1\b", text), text
            assert not re.match(r"[,.;:，。；：、]", text), text


def test_chinese_captions_hold_no_english_and_the_other_way_round() -> None:
    for plan in plans(load_culture("silk_textile"), 50):
        captions, phrases = words(plan)
        for words_of in (captions, phrases):
            for one in words_of:
                assert bool(re.search(r"[\u4e00-\u9fff]", one.text)) == (one.language == "zh")
                assert bool(re.search(r"[A-Za-z]", one.text)) == (one.language == "en")


def test_only_what_is_seen_is_told() -> None:
    culture = load_culture("ritual_bronze")
    plan = next(p for p in plans(culture, 50) if len(p.zones) == 3 and p.parts and p.zones[1].ground is None)
    shown, hidden = plan.zones[0], plan.zones[1]
    captions, phrases = describe(plan, [Seen("object", 0, 0), Seen("motif", 0, 1, shown.place)])
    for caption in captions:
        names = shown.motif.names[caption.language] + shown.motif.plurals
        assert any(n in caption.text for n in names)
        assert not any(n in caption.text for n in hidden.motif.names[caption.language])
        assert not any(n in caption.text for part in plan.parts for n in part.part.names[caption.language])
    assert {p.region for p in phrases} == {0, 1}
    assert {t.id for t in themes_of(plan, [Seen("motif", 0, 1, shown.place)])} == set(shown.motif.themes)


def test_nothing_seen_is_told_as_plain_and_damage_is_named() -> None:
    plan = plan_of(load_culture("ritual_bronze"), 0, 0)
    captions, _ = describe(plan, [Seen("object", 0, 0)])
    assert any("no decoration" in c.text for c in captions)
    _, phrases = describe(plan, [Seen("object", 0, 0), Seen("crack", 0, 1, plan.zones[0].place)])
    assert any(p.region == 1 and p.text.startswith("a crack across the") for p in phrases)


def test_words_are_the_same_each_time() -> None:
    plan = plan_of(load_culture("cave_mural"), 4, 2)
    assert words(plan) == words(plan)
