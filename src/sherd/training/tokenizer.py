"""Making the text table: Chinese characters one by one, everything else in sub-words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from sherd.errors import InvalidArgument

_KANA = [chr(c) for c in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC)]


def train_tokenizer(texts: Iterable[str], *, vocabulary: int, characters: Iterable[str] = ()) -> Tokenizer:
    """A WordPiece tokenizer in which every Chinese character is a token of its own.

    Args:
        texts: what the sub-words are learnt from.
        vocabulary: size of the table; id 0 is padding, id 1 unknown.
        characters: further texts whose characters should be in the table, the frequent ones first.
            They take at most half of it, beside kana, which is always there.
    Raises:
        InvalidArgument: the table is too small for the alphabet.
    """
    counts: Counter[str] = Counter()
    for text in characters:
        counts.update(ch for ch in text if ch.isalnum())
    chosen = [ch for ch, _ in counts.most_common(vocabulary // 2)]
    if vocabulary < 2 * len(_KANA):
        raise InvalidArgument(f"vocabulary is {vocabulary}; give at least {2 * len(_KANA)}")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(handle_chinese_chars=True, strip_accents=False, lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=["[PAD]", "[UNK]"],
        initial_alphabet=sorted({*_KANA, *chosen}),
        limit_alphabet=len(_KANA) + vocabulary // 2 + 200,
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
