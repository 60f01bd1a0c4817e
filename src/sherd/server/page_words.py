"""The words of the page, in the languages that it speaks: one catalogue, `page_words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from sherd.search.words import LANGUAGES, Language

CATALOGUE = Path(__file__).with_suffix(".toml")
EXAMPLES = ("饕餮纹", "a bird on the lid", "lotus, with gilding", "云雷纹 bronze")


@cache
def words_in(language: Language) -> Mapping[str, Mapping[str, str]]:
    """Table -> key -> the words in one language.

    >>> words_in("zh")["search"]["button"]
    '检索'
    """
    column = LANGUAGES.index(language)
    tables = tomllib.loads(CATALOGUE.read_text("utf-8"))
    return MappingProxyType(
        {name: MappingProxyType({key: both[column] for key, both in table.items()}) for name, table in tables.items()}
    )


def language_for(lang: str | None, accepted: str) -> Language:
    """The language to speak: as asked for, else the first that Accept-Language has of those spoken here, else English.

    >>> language_for(None, "zh-CN,zh;q=0.9,en;q=0.8"), language_for("en", "zh"), language_for(None, "fr, zh;q=0.5")
    ('zh', 'en', 'zh')
    """
    if lang in LANGUAGES:
        return "zh" if lang == "zh" else "en"
    wanted: list[tuple[float, int, Language]] = []
    for n, one in enumerate(accepted.split(",")[:20]):
        tag, _, weight = one.strip().partition(";")
        try:
            value = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        name = tag.split("-")[0].strip().lower()
        if value > 0 and name in LANGUAGES:
            wanted.append((-value, n, "zh" if name == "zh" else "en"))
    return min(wanted)[2] if wanted else "en"
