"""Some out of many, always the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """`most` of the values (n,), spread evenly; all where there are no more.

    >>> evenly(np.arange(10), 4).tolist(), evenly(np.arange(3), 4).tolist()
    ([0, 3, 6, 9], [0, 1, 2])
    """
    return values if values.size <= most else values[np.linspace(0, values.size - 1, most).astype(np.int64)]
