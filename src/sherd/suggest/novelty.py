"""Pictures unlike anything that the probabilities were learnt from: there they promise nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.search.sampling import evenly
from sherd.suggest.evidence import Looks
from sherd.types import FloatArray

LEAST = 40
"""Known pictures below which nobody can say what is usual among them."""
_MOST = 4_000
_NEIGHBOUR = 5
_ALARMS = 0.02
_CHUNK = 512


@dataclass(frozen=True)
class Novelty:
    """Known pictures (m, D), whose they are, and how near the fifth nearest of others must be to count as usual."""

    objects: FloatArray
    records: NDArray[np.object_]
    least: float

    @classmethod
    def of(cls, known: Looks) -> Novelty | None:
        """From the pictures of which something is known; None below LEAST.

        Two in a hundred pictures of the same kind are called strange too, one in n + 1 where fewer than 50 are known.
        Of more than 4,000 known ones so many are taken evenly. Source: distance to the k-th nearest neighbour
        (Ramaswamy et al. 2000); the line is a rank among the known ones, as in conformal prediction.
        """
        if len(known) < LEAST:
            return None
        keep = evenly(np.arange(len(known)), _MOST)
        objects = known.objects[keep]
        records = np.array(known.records, dtype=object)[keep]
        near = _nearness(objects, records, objects, records)
        return cls(objects, records, float(np.sort(near)[max(1, int(_ALARMS * (len(near) + 1))) - 1]))

    def strange(self, looks: Looks) -> NDArray[np.bool_]:
        """(n,) whether each picture is further from the known ones than nearly all of them are from each other."""
        near = _nearness(looks.objects, np.array(looks.records, dtype=object), self.objects, self.records)
        return near < self.least


def _nearness(
    objects: FloatArray, owners: NDArray[np.object_], known: FloatArray, records: NDArray[np.object_]
) -> FloatArray:
    """(n,) cosine of the fifth nearest known picture that is of another record."""
    found = np.empty(len(objects), np.float32)
    for start in range(0, len(objects), _CHUNK):
        rows = slice(start, start + _CHUNK)
        cosines = objects[rows] @ known.T
        cosines[owners[rows, None] == records[None]] = -1
        found[rows] = np.partition(cosines, -_NEIGHBOUR, axis=1)[:, -_NEIGHBOUR]
    return found
