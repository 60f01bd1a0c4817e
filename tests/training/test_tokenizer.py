from __future__ import annotations

import pytest

from sherd.errors import InvalidArgument
from sherd.training.tokenizer import train_tokenizer

TEXTS = ["饕餮纹 on the belly of a ding", "夔龙纹 around the neck", "a phoenix and a lotus", "三つ柏 in a circle"] * 5


def test_padding_and_the_unknown_come_first() -> None:
    table = train_tokenizer(TEXTS, vocabulary=600).get_vocab()
    assert (table["[PAD]"], table["[UNK]"]) == (0, 1)


def test_chinese_is_read_by_characters_and_unknown_ones_are_told() -> None:
    tokenizer = train_tokenizer(TEXTS, vocabulary=600, characters=["簋簋"])
    assert tokenizer.encode("饕餮纹").tokens == ["饕", "餮", "纹"]
    assert tokenizer.encode("簋").tokens == ["簋"]
    assert tokenizer.encode("龘").tokens == ["[UNK]"]


def test_a_table_too_small_for_kana_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="vocabulary is 100"):
        train_tokenizer(TEXTS, vocabulary=100)
