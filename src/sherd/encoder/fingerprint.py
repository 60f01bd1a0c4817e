"""The name of an encoder's vectors: change anything that changes them, and the name changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def fingerprint(files: Sequence[Path], settings: Mapping[str, object]) -> str:
    """64 hex digits over the bytes of `files` (in the order given) and `settings`.

    Args:
        files: weights, tokenizer and whatever else decides the vectors.
        settings: preprocessing and its code version; must be JSON.
    Raises:
        OSError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    whole.update(json.dumps(settings, sort_keys=True, ensure_ascii=False).encode())
    return whole.hexdigest()
