"""Words for a plan, in each language: only of what can be seen in the picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sherd.relics.culture import LANGUAGES, Culture, Named, Wording
from sherd.relics.grammar import Plan, ZonePlan, pick
from sherd.types import Caption, Phrase

_MOST_THEMES = 2
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeioAEIO])")


@dataclass(frozen=True)
class Seen:
    """One thing in the picture: `kind` is object, motif, part, crack or loss; `index` the zone's or part's number.

    `region` is its number among the picture's regions; `place` the id of the place it is at, if any.
    """

    kind: str
    index: int
    region: int
    place: str | None = None


def describe(plan: Plan, seen: Sequence[Seen]) -> tuple[tuple[Caption, ...], tuple[Phrase, ...]]:
    """Captions in every style and language, and phrases that name the regions."""
    captions: list[Caption] = []
    phrases: list[Phrase] = []
    rng = np.random.default_rng(plan.caption_seed)
    for language in LANGUAGES:
        writer = _Writer(plan, language, seen, rng)
        styles = list(plan.culture.wording[language].captions)
        turn = int(rng.integers(len(styles)))
        for style, template in styles[turn:] + styles[:turn]:
            captions.append(Caption(language, writer.caption(template), style))
        phrases += writer.phrases()
    return tuple(captions), tuple(phrases)


class _Writer:
    """Fills the templates of one language; synonyms are drawn anew for each caption."""

    def __init__(self, plan: Plan, language: str, seen: Sequence[Seen], rng: np.random.Generator) -> None:
        self._plan = plan
        self._language = language
        self._seen = seen
        self._rng = rng
        self._wording: Wording = plan.culture.wording[language]

    def caption(self, template: str) -> str:
        plan = self._plan
        zones = [s for s in self._seen if s.kind == "motif"]
        parts = [self._name(plan.parts[s.index].part) for s in self._seen if s.kind == "part"]
        themes = _themes(plan.culture, [plan.zones[s.index] for s in zones])
        decor = [self._clause(plan.zones[s.index]) for s in zones]
        name = self._name(plan.object)
        slots = {
            "object": name,
            "Object": name[:1].upper() + name[1:],
            "palette": self._name(plan.palette),
            "parts": self._wording.parts.format(parts=self._list(parts)) if parts else "",
            "decor": self._list(decor) if decor else self._wording.plain,
            "motifs": self._list([self._tag(plan.zones[s.index]) for s in zones]) or self._wording.plain,
            "tags": self._wording.join.join([self._tag(plan.zones[s.index]) for s in zones] + parts)
            or self._wording.plain,
            "state": self._list(self._state()),
            "material": self._name(plan.material),
            "period": self._name(plan.period),
            "culture": self._word(plan.culture.names[self._language]),
            "theme": self._wording.themes.join(self._name(theme) for theme in self._few(themes)),
            "way": self._name(plan.technique),
        }
        return self._polish(template.format(**slots))

    def phrases(self) -> list[Phrase]:
        plan = self._plan
        out = []
        for s in self._seen:
            texts: list[str]
            if s.kind == "motif":
                zone = plan.zones[s.index]
                texts = [self._clause(zone), self._tag(zone)]
            elif s.kind == "part":
                name = self._name(plan.parts[s.index].part)
                texts = [name, self._wording.part.format(part=name, object=self._name(plan.object))]
            elif s.kind == "object":
                words = {"material": self._name(plan.material), "object": self._name(plan.object)}
                words["culture"] = self._word(plan.culture.names[self._language])
                words["palette"] = self._name(plan.palette)
                texts = [words["object"], self._wording.whole.format(**words)]
            else:
                texts = [self._damage(s)]
            out += [Phrase(self._polish(text), self._language, s.region) for text in dict.fromkeys(texts)]
        return out

    def _clause(self, zone: ZonePlan) -> str:
        one, many = self._motif(zone)
        template = self._word(self._wording.layouts[zone.layout])
        text = template.format(
            one=one, many=many, place=self._place(zone.place), way=self._name(self._plan.technique), ground=""
        )
        if zone.ground is not None:
            word = self._word(zone.ground.names[self._language])
            many_words = zone.ground.plurals if self._language == "en" else zone.ground.names[self._language]
            text += self._wording.ground.format(one=word, many=self._word(many_words))
        return text

    def _motif(self, zone: ZonePlan) -> tuple[str, str]:
        names = zone.motif.names[self._language]
        at = int(self._rng.integers(len(names)))
        return names[at], zone.motif.plurals[at] if self._language == "en" else names[at]

    def _tag(self, zone: ZonePlan) -> str:
        return self._wording.tag.format(motif=self._motif(zone)[0], place=self._place(zone.place))

    def _state(self) -> list[str]:
        words = [self._damage(s) for s in self._seen if s.kind in ("crack", "loss")]
        if self._plan.state is not None:
            words.append(self._name(self._plan.state))
        return words or [self._wording.intact]

    def _damage(self, s: Seen) -> str:
        template = self._wording.crack if s.kind == "crack" else self._wording.loss
        return template.format(place=self._place(s.place) if s.place else self._name(self._plan.object))

    def _place(self, place: str) -> str:
        return self._name(self._plan.culture.places[place])

    def _name(self, named: Named) -> str:
        return self._word(named.names[self._language])

    def _word(self, words: Sequence[str]) -> str:
        return words[0] if len(words) == 1 else pick(self._rng, words)

    def _few(self, themes: Sequence[Named]) -> Sequence[Named]:
        """At most two, in their order: a caption that lists them all reads like an index."""
        if len(themes) <= _MOST_THEMES:
            return themes
        chosen = set(self._rng.choice(len(themes), _MOST_THEMES, replace=False).tolist())
        return [theme for number, theme in enumerate(themes) if number in chosen]

    def _list(self, items: Sequence[str]) -> str:
        if len(items) < 2:
            return "".join(items)
        return self._wording.join.join(items[:-1]) + self._wording.last + items[-1]

    def _polish(self, text: str) -> str:
        if self._language == "en":
            text = re.sub(r" +([,.;:])", r"\1", re.sub(r" {2,}", " ", text))
            text = re.sub(r"([,;:])[,;]+", r"\1", re.sub(r"[,;:]*\.[,;:.]*", ".", text))
            text = _ARTICLE.sub(r"\1n ", text)
            return re.sub(r"([.] )([a-z])", lambda m: m[1] + m[2].upper(), text).strip()
        return re.sub(r"([，；、：])[，、；]+", r"\1", re.sub(r"[，、；：]*。[，、；：。]*", "。", text)).strip()


def _themes(culture: Culture, zones: Sequence[ZonePlan]) -> list[Named]:
    """The themes of the motifs shown, in the culture's order, without repeats."""
    wanted = {theme for zone in zones for theme in zone.motif.themes}
    return [theme for theme in culture.themes if theme.id in wanted]


def themes_of(plan: Plan, seen: Sequence[Seen]) -> list[Named]:
    """The themes of what can be seen."""
    return _themes(plan.culture, [plan.zones[s.index] for s in seen if s.kind == "motif"])
