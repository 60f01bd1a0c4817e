"""A thesaurus of six concepts in three facets, with a concept that has two broader ones."""

from __future__ import annotations

from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept

SCHEME = "urn:vessels:scheme"
VESSEL, TRIPOD, RITUAL, GUI = (f"urn:vessels:{name}" for name in ("vessel", "tripod", "ritual", "gui"))
THEME, OFFERING = "urn:vessels:theme", "urn:vessels:offering"

VESSELS = Thesaurus.from_concepts(
    [
        Concept(VESSEL, {"en": "vessel", "zh-Hans": "容器"}, {"en": ("container",)}, scheme=SCHEME),
        Concept(
            TRIPOD,
            {"en": "tripod", "zh-Hans": "圆鼎", "zh-Hant": "圓鼎", "zh-Latn-pinyin": "yuan ding"},
            {"en": ("round ding", "ding tripod"), "zh-Hans": ("三足鼎",)},
            (VESSEL,),
            "V1",
            scope_notes={"en": "A ding on three legs."},
            matches={"closeMatch": ("https://other.example/tripod",)},
            scheme=SCHEME,
        ),
        Concept(RITUAL, {"en": "ritual object", "zh-Hans": "礼器"}, scheme=SCHEME),
        Concept(GUI, {"en": "gui", "zh-Hans": "簋"}, broader=(VESSEL, RITUAL), scheme=SCHEME),
        Concept(THEME, {"en": "theme"}, scheme=SCHEME),
        Concept(OFFERING, {"en": "offering of a tripod", "fr": "Offrande"}, broader=(THEME,), scheme=SCHEME),
    ]
)
