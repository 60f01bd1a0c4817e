"""Text from strangers: bounded, normalised, free of control characters; and the language it is probably in."""

from __future__ import annotations

import re
import unicodedata

from sherd.errors import RejectedItem
from sherd.ingest.files import shown

MAX_ID_CHARS = 512
MAX_TEXT_CHARS = 100_000
MAX_VALUES = 1_000
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
_KANA = re.compile(r"[\u3041-\u30ff\uff66-\uff9f]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-z]")
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$")
_SEPARATORS = re.compile(r"\s*[;；、|｜\n]\s*")


def clean_text(text: str, field: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """`text` in NFC, stripped, without control characters other than tabs and line ends (they become blanks).

    Raises:
        RejectedItem: text_invalid (NUL or half a surrogate pair) or text_too_long.
    """
    check_text(text, field)
    if len(text) > max_chars:
        raise RejectedItem("text_too_long", f"{field} has {len(text)} characters; the limit is {max_chars}")
    return _CONTROL.sub(" ", unicodedata.normalize("NFC", text)).strip()


def check_text(text: str, field: str) -> None:
    """Raises RejectedItem text_invalid where `text` cannot be stored at all."""
    if found := _FORBIDDEN.search(text):
        raise RejectedItem("text_invalid", f"{field} has U+{ord(found[0]):04X}, which is no character")


def clean_id(text: str, field: str) -> str:
    """An identifier as the museum wrote it, only stripped: "0012" and "1987.10" stay as they are.

    Raises:
        RejectedItem: id_missing, id_too_long or id_invalid (control characters).
    """
    text = text.strip()
    if not text:
        raise RejectedItem("id_missing", f"{field} is empty")
    if len(text) > MAX_ID_CHARS:
        raise RejectedItem("id_too_long", f"{field} has {len(text)} characters; the limit is {MAX_ID_CHARS}")
    if _FORBIDDEN.search(text) or any(unicodedata.category(letter) == "Cc" for letter in text):
        raise RejectedItem("id_invalid", f"{field} {shown(text)} has control characters")
    return text


def split_values(cell: str, field: str) -> tuple[str, ...]:
    """The values of a cell that holds several, separated by ; ； 、 | or line ends; empty ones and repeats fall out."""
    values = dict.fromkeys(value for value in _SEPARATORS.split(clean_text(cell, field)) if value)
    if len(values) > MAX_VALUES:
        raise RejectedItem("field_invalid", f"{field} has {len(values)} values; the limit is {MAX_VALUES}")
    return tuple(values)


def language_tag(declared: str | None, text: str) -> str:
    """The declared language ('zh' for 'zh-CN'), else by script: kana ja, Han zh, Latin en, anything else und."""
    if declared and _LANGUAGE.match(declared):
        return re.split(r"[-_]", declared)[0].lower()
    for script, language in ((_KANA, "ja"), (_HAN, "zh"), (_LATIN, "en")):
        if script.search(text):
            return language
    return "und"
