"""What matched and where, in the words of a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sherd.types import Answer, Box, Hit, Level, Query, Timing, Understood

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_LEVELS: dict[Language, dict[Level, str]] = {
    "en": {
        Level.PART: "a part of it",
        Level.OBJECT: "the whole object",
        Level.THEME: "its theme",
        Level.FUSED: "several things together",
    },
    "zh": {Level.PART: "局部", Level.OBJECT: "整体", Level.THEME: "题材", Level.FUSED: "多方面相合"},
}
_BY_WORDS: dict[Language, str] = {"en": "its words", "zh": "文字"}
_REASONS: dict[Language, dict[str, str]] = {
    "en": {"object": "object", "part": "part", "lexical": "words", "minus": "not wanted"},
    "zh": {"object": "整体", "part": "局部", "lexical": "文字", "minus": "排除"},
}
_ROWS: dict[Language, tuple[str, str, str]] = {"en": ("upper", "middle", "lower"), "zh": ("上", "中", "下")}
_COLUMNS: dict[Language, tuple[str, str, str]] = {"en": ("left", "centre", "right"), "zh": ("左", "中", "右")}
_FIELDS_ZH = {
    "concept": "概念", "culture": "文化", "licence": "许可", "material": "材质", "motif": "纹饰", "object_type": "器类",
    "period": "年代", "rights": "权利", "theme": "题材",
}  # fmt: skip
_STAGES: dict[Language, dict[str, str]] = {
    "en": {"encode": "encoding", "index": "index", "rerank": "re-ranking", "catalogue": "catalogue", "total": "total"},
    "zh": {"encode": "编码", "index": "索引", "rerank": "重排", "catalogue": "目录", "total": "合计"},
}
_WHOLE: dict[Language, str] = {"en": "whole picture", "zh": "整幅"}
_MOST_OF_IT = 0.8


def level_words(level: Level, language: Language = "en") -> str:
    """What a hit was found by.

    >>> level_words(Level.PART), level_words(Level.PART, "zh")
    ('a part of it', '局部')
    """
    return _LEVELS[language][level]


def matched_by(hit: Hit, language: Language = "en") -> str:
    """What a hit was found by; words, where these give more of the score than what is seen."""
    seen = hit.reasons.get("object", 0.0) + hit.reasons.get("part", 0.0)
    if hit.level is Level.FUSED and hit.reasons.get("lexical", 0.0) >= seen:
        return _BY_WORDS[language]
    return level_words(hit.level, language)


def understood_words(one: Understood, language: Language = "en") -> str:
    """What words of the question were taken for, and by what else was looked for."""
    others = [name for name in one.names if name != one.words]
    shown = ("、" if language == "zh" else ", ").join(others[:6])
    more = len(others) - 6
    if language == "zh":
        rest = f" 等 {len(others)} 个名称" if more > 0 else ""
        return f"“{one.words}”理解为 {one.uri}，并按其他名称检索：{shown}{rest}（--plain 只按原文）"
    rest = f" and {more} more" if more > 0 else ""
    return f"'{one.words}' is {one.uri}, so also looked for: {shown}{rest} (--plain looks for the words alone)"


def reason_words(reasons: Mapping[str, float], language: Language = "en") -> list[tuple[str, float]]:
    """(name in words, share of the score) of each reason that has a share, in the order given.

    >>> reason_words({"object": 0.2, "part": 0.3, "lexical": 0.0})
    [('object', 0.2), ('part', 0.3)]
    """
    return [(_REASONS[language].get(name, name), share) for name, share in reasons.items() if share != 0]


def covers(box: Box) -> bool:
    """Whether a box is as good as the whole picture, so that it says nothing about where."""
    return box.w * box.h >= _MOST_OF_IT


def place_words(box: Box, language: Language = "en") -> str:
    """Where on the picture a box lies, by its centre in thirds.

    >>> place_words(Box(0.1, 0.7, 0.1, 0.2)), place_words(Box(0.4, 0.4, 0.2, 0.2)), place_words(Box(0, 0, 1, 1))
    ('lower left', 'centre', 'whole picture')
    >>> place_words(Box(0.1, 0.7, 0.1, 0.2), "zh"), place_words(Box(0.4, 0.1, 0.2, 0.2), "zh")
    ('左下', '上部')
    """
    if covers(box):
        return _WHOLE[language]
    row, column = (min(int(3 * at), 2) for at in (box.y + box.h / 2, box.x + box.w / 2))
    up, side = _ROWS[language][row], _COLUMNS[language][column]
    if language == "zh":
        return "中央" if (row, column) == (1, 1) else f"{up}部" if column == 1 else f"{side}{up if row != 1 else '侧'}"
    return side if row == 1 else f"{up} {side}"


def query_words(query: Query, language: Language = "en") -> str:
    """The question in one line, for a heading.

    >>> query_words(Query(text="lotus", minus="gold", where={"culture": ("Tang", "Song")}))
    '“lotus”, not “gold”, culture: Tang or Song'
    """
    zh = language == "zh"
    words = []
    if query.image is not None:
        boxed = query.box is not None
        words.append(
            ("图中框选的部分" if boxed else "一张图片") if zh else ("a box on a picture" if boxed else "a picture")
        )
    if query.text:
        words.append(f"“{query.text.strip()}”")
    if query.minus:
        words.append(f"{'不要' if zh else 'not '}“{query.minus.strip()}”")
    for field, values in query.where.items():
        words.append(f"{field_words(field, language)}: {('或' if zh else ' or ').join(values)}")
    return ("，" if zh else ", ").join(words)


def field_words(field: str, language: Language = "en") -> str:
    """A field of `where` as a reader calls it.

    >>> field_words("object_type"), field_words("object_type", "zh")
    ('object type', '器类')
    """
    return _FIELDS_ZH.get(field, field) if language == "zh" else field.replace("_", " ")


def timing_words(timing: Timing, language: Language = "en") -> list[tuple[str, float]]:
    """(stage in words, milliseconds), the total last.

    >>> timing_words(Timing(encode=1, index=2, rerank=3, catalogue=4, total=11))[0::4]
    [('encoding', 1), ('total', 11)]
    """
    return [(words, getattr(timing, stage)) for stage, words in _STAGES[language].items()]


def count_words(answer: Answer, language: Language = "en") -> str:
    """How many records were found, or why there are none."""
    count = len(answer.hits)
    if not count:
        return answer.message
    if language == "zh":
        return f"{count} 件"
    return f"{count} records" if count != 1 else "1 record"


def language_of(text: str | None) -> Language:
    """The language to answer in: Chinese when the question has a Chinese character in it.

    >>> language_of("饕餮纹 on a tripod"), language_of("a tripod"), language_of(None)
    ('zh', 'en', 'en')
    """
    return "zh" if any("\u3400" <= character <= "\u9fff" for character in text or "") else "en"


def match_words(hit: Hit, language: Language = "en") -> str:
    """What a hit was found by, and where on its picture unless that is all of it."""
    words = [matched_by(hit, language)]
    if hit.region is not None and not covers(hit.region.box):
        words.append(place_words(hit.region.box, language))
    if hit.guess:
        words.append("存疑" if language == "zh" else "a guess")
    return ("，" if language == "zh" else ", ").join(words)


def caption(hit: Hit) -> str:
    """Identifier and score, as they stand under a picture."""
    return f"{hit.record_id} · {hit.score:.3f}"


def printable(text: str) -> str:
    """`text` for a page, a picture or a terminal: in one line, and nothing in it that is not a character to be seen.

    >>> printable("a\\x1b[31m\\nbowl")
    'a [31m bowl'
    """
    seen = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in seen).split())
