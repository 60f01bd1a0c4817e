"""How a hub model reads: its own tokenizer, and the cutting and filling it was trained with."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer

from sherd.encoder.folders import read_json
from sherd.encoder.registry import Family
from sherd.errors import CorruptData, ModelUnavailable

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TokenReader:
    """Texts to token ids, as the model's family wants them.

    tokenizer.json is used as it is, rather than the tokenizer class that tokenizer_config.json names: for SigLIP 2 that
    class is often a plain Gemma tokenizer, which neither folds case nor fills on the right side.
    Raises:
        CorruptData: the tokenizer cannot be read.
        ModelUnavailable: the family reads its filling, and the folder does not tell which token that is.
    """

    def __init__(self, folder: Path, family: Family, *, max_tokens: int) -> None:
        settings = _settings(folder)
        self.max_tokens = max_tokens
        self._fill = family.padded_to_full
        self._fold = family.folded
        # SigLIP 1 was trained without punctuation; its sentencepiece tokenizer took it out, tokenizer.json may not.
        self._bare = str(settings.get("tokenizer_class", "")).startswith("SiglipTokenizer")
        self._tokenizer = _tokenizer(folder)
        pad = self._id_of(settings, "pad_token")
        if pad is None and self._fill:
            raise ModelUnavailable(
                f"{folder}: tokenizer_config.json names no pad_token, which this kind of model reads"
            )
        self._pad = pad or 0
        self._end = self._id_of(settings, "eos_token") if settings.get("add_eos_token") else None

    def read(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids (n, T) and mask (n, T), 1 where the model should look. T is max_tokens where the filling is read too."""
        rows = []
        for encoded in self._tokenizer.encode_batch([self._plain(text) for text in texts]):
            ids = list(encoded.ids)
            if self._end is not None and (not ids or ids[-1] != self._end):
                ids.append(self._end)
            if len(ids) > self.max_tokens:
                ids = [*ids[: self.max_tokens - 1], ids[-1]]
            rows.append(ids or [self._pad])
        width = self.max_tokens if self._fill else max((len(ids) for ids in rows), default=1)
        filled = np.full((len(rows), width), self._pad, np.int64)
        mask = np.full((len(rows), width), int(self._fill), np.int64)
        for n, ids in enumerate(rows):
            filled[n, : len(ids)] = ids
            mask[n, : len(ids)] = 1
        return filled, mask

    def _plain(self, text: str) -> str:
        if self._fold or self._bare:
            text = text.lower()
        if self._bare:
            text = re.sub(r"\s+", " ", text.translate(_NO_PUNCTUATION)).strip()
        return text

    def _id_of(self, settings: dict[str, Any], role: str) -> int | None:
        token = settings.get(role)
        name = token.get("content") if isinstance(token, dict) else token
        found = self._tokenizer.token_to_id(str(name)) if name else None
        return None if found is None else int(found)


def _settings(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json over special_tokens_map.json; either may be missing."""
    merged: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            merged |= {key: value for key, value in read_json(folder / name).items() if value is not None}
    return merged


def _tokenizer(folder: Path) -> Any:
    path = folder / "tokenizer.json"
    try:
        if not path.is_file():
            path = folder / "vocab.txt"
            return BertWordPieceTokenizer(str(path), lowercase=True)
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise CorruptData(f"{path}: the tokenizer cannot be read ({error}); download the model again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
