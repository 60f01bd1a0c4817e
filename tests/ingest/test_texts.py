"""Text from strangers is bounded and evened out, and never changed more than that."""

from __future__ import annotations

import pytest

from sherd.errors import RejectedItem
from sherd.ingest.sources.texts import MAX_VALUES, clean_id, clean_text, language_tag, split_values


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a  b ", "a  b"),
        ("line\nend\ttab", "line\nend\ttab"),
        ("bell\x07 esc\x1b[31m", "bell  esc [31m"),
        ("e\u0301", "é"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u202eright to left", "\u202eright to left"),
        ("", ""),
    ],
)
def test_a_text_keeps_everything_but_controls(text: str, clean: str) -> None:
    assert clean_text(text, "title") == clean
    assert clean_text(clean, "title") == clean


@pytest.mark.parametrize(
    ("text", "reason"), [("a\0b", "text_invalid"), ("\ud800", "text_invalid"), ("x" * 100_001, "text_too_long")]
)
def test_a_text_that_cannot_be_stored_is_refused_by_its_field(text: str, reason: str) -> None:
    with pytest.raises(RejectedItem, match="the title") as refused:
        clean_text(text, "the title")
    assert refused.value.reason == reason
    assert len(refused.value.detail) < 200


def test_identifiers_are_only_stripped() -> None:
    for written in ("0012", "1987.10", "A/5-1 (b)", "総１２", "e\u0301"):
        assert clean_id(f" {written}\n", "id") == written


def test_values_of_a_cell() -> None:
    assert split_values("青铜；锡、 铅;青铜|\n", "materials") == ("青铜", "锡", "铅")
    assert split_values("bronze, gilt", "materials") == ("bronze, gilt",)
    assert split_values(" ; ", "materials") == ()
    with pytest.raises(RejectedItem, match="field_invalid"):
        split_values(";".join(map(str, range(MAX_VALUES + 1))), "materials")


@pytest.mark.parametrize(
    ("declared", "text", "tag"),
    [
        ("zh-CN", "x", "zh"), ("EN", "鼎", "en"), (None, "鼎 tripod", "zh"), (None, "ブロンズの鼎", "ja"),
        (None, "Tripod", "en"), (None, "1987.10", "und"), (None, "Ваза", "und"), ("not a tag!", "鼎", "zh"),
    ],
)  # fmt: skip
def test_the_language_is_as_declared_or_by_script(declared: str | None, text: str, tag: str) -> None:
    assert language_tag(declared, text) == tag
