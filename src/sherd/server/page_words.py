"""The words of the page, in the languages that it speaks."""

from __future__ import annotations

from sherd.search.words import LANGUAGES, Language

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "name": "Sherd", "lead": "Find relics by what is in them: parts, objects, themes.",
        "look for": "What to look for", "not": "Not", "search": "Search", "by picture": "Search by a picture",
        "picture": "Picture", "with box": "In this place only", "examples": "For example",
        "results": "Results", "guesses": "Below this line the machine is guessing.",
        "likely": "right in {} of 100 cases", "share": "Address of this search", "more": "More", "back": "Back",
        "record": "Record", "where": "Where", "why": "Why", "understood": "Understood",
        "plain": "Look for the words only",
        "this part": "Search for this part", "this picture": "Search for this picture",
        "asked with": "asked with this picture", "other language": "中文", "token": "Token", "log in": "Log in",
        "log out": "Log out", "wrong token": "This token is not known.", "nothing": "Nothing was found.",
        "uploads": "A picture that you search with is looked at, kept in memory for a while, and not stored.",
        "problem": "This did not work", "made by": "Found by machine; not a person's judgement.",
        "thumbnail of": "Photograph: {}", "skip": "To the results", "fields": "Details", "photographs": "Photographs",
        "filters": "Only", "source": "In the catalogue",
    },
    "zh": {
        "name": "Sherd", "lead": "以文物所含之物检索文物：局部、整体、题材。",
        "look for": "找什么", "not": "不要", "search": "检索", "by picture": "以图检索",
        "picture": "图片", "with box": "只找此处", "examples": "例如",
        "results": "结果", "guesses": "此线以下为机器猜测。",
        "likely": "一百次中约对 {} 次", "share": "本次检索的地址", "more": "更多", "back": "返回",
        "record": "藏品号", "where": "位置", "why": "依据", "understood": "理解为", "plain": "只按字面检索",
        "this part": "检索此局部", "this picture": "以此图检索",
        "asked with": "以此图检索", "other language": "English", "token": "令牌", "log in": "登录",
        "log out": "退出", "wrong token": "无此令牌。", "nothing": "未找到。",
        "uploads": "用来检索的图片只在内存中暂留，不会存入藏品库。",
        "problem": "未能完成", "made by": "由机器检出，未经人工判定。",
        "thumbnail of": "照片：{}", "skip": "跳到结果", "fields": "著录", "photographs": "照片",
        "filters": "限定", "source": "目录所载",
    },
}  # fmt: skip
EXAMPLES = ("饕餮纹", "a bird on the lid", "lotus, with gilding", "云雷纹 bronze")


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
