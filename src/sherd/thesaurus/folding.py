"""Labels made comparable: no case, no width, one form for variants of Chinese characters (Japanese too)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache

_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))


def clean(text: str) -> str:
    """One line without control characters, which a terminal would obey.

    >>> clean(" jade\\tdisc\\x1b[2J ")
    'jade disc [2J'
    """
    if not text.isprintable():  # nearly all texts are, and looking at each character takes ten times as long
        text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(text.split())


def fold_label(label: str) -> str:
    """`label` for comparing: compatibility forms made one (NFKC), no case, single spaces, simplified characters.

    Each character is mapped by itself with OpenCC's table, so that a part of a label folds to a part of its fold.

    >>> fold_label("圓鼎 ＴＲＩＰＯＤ") == fold_label("圆鼎 Tripod"), fold_label("亀甲") == fold_label("龟甲")
    (True, True)
    """
    return clean(unicodedata.normalize("NFKC", label).casefold()).translate(_simplified())


def fold_pinyin(label: str) -> str:
    """A label in Latin transcription for comparing: no tones, no spaces; u for ü. Empty where there is no letter a-z.

    >>> fold_pinyin("tāo tiè wén") == fold_pinyin("Tao2tie4 wen2") == "taotiewen"
    True
    """
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", label).casefold())
    return "".join(c for c in plain.replace("v", "u") if "a" <= c <= "z")


def fold_tagged(label: str, tag: str) -> str:
    """`label` with the language tag `tag` for comparing: by `fold_pinyin` where it is a Latin transcription."""
    return (fold_pinyin(label) if "-Latn" in tag else "") or fold_label(label)


def is_han(character: str) -> bool:
    """Whether it is a Chinese character."""
    return any(start <= ord(character) < stop for start, stop in _HAN)


def speaks(tag: str, language: str) -> bool:
    """Whether text with this language tag is in `language`: the same tag, or one that begins with it and a hyphen.

    A transcription in Latin letters is in 'zh' only where 'zh-Latn' is asked for.

    >>> speaks("zh-Hant", "zh"), speaks("zh-Latn-pinyin", "zh"), speaks("en", "e")
    (True, False, False)
    """
    if tag == language:
        return True
    return tag.startswith(f"{language}-") and ("-Latn" not in tag or "-Latn" in language)


@cache
def _simplified() -> Mapping[int, str]:
    from opencc import OpenCC  # imported on use: it loads a dictionary

    characters = [chr(code) for start, stop in _HAN for code in range(start, stop)]
    # Japanese forms, but for those that are Chinese characters of another meaning (缶 is a vessel, and short for 罐).
    foreign = [one for one in characters if not _is_chinese(one)]
    known = dict(zip(foreign, OpenCC("jp2t").convert("\n".join(foreign)).split("\n"), strict=True))
    old = "\n".join(known.get(one, one) for one in characters)
    simple = OpenCC("t2s").convert(old).split("\n")
    return {ord(one): new for one, new in zip(characters, simple, strict=True) if one != new}


def _is_chinese(character: str) -> bool:
    """Whether it is in the common sets of mainland China or Taiwan."""
    for standard in ("gb2312", "big5"):
        try:
            character.encode(standard)
        except UnicodeEncodeError:
            continue
        return True
    return False
