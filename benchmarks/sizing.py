"""What does a collection of N pictures need? `python benchmarks/sizing.py --pictures 1e9`: arithmetic, no measurement.

Sizes of a picture are those of the files' formats or were measured on small libraries (said beside each); prices are
assumptions to be replaced by one's own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

GB = 1e9


@dataclass(frozen=True)
class Sizes:
    """Bytes of one picture. dim, parts: of the built-in model."""

    dim: int = 256
    parts: int = 8
    thumbnail: int = 30_000  # 20,000 to 39,000 on average in four collections
    catalogue: int = 2_700  # a record with one picture in PostgreSQL 15, 20,000 records, without full text
    full_text: int = 4_400  # the same, words of two short texts
    replicas: int = 2  # of what is searched
    node_ram: float = 256 * GB
    node_share: float = 0.75  # of a node's memory for the index

    @property
    def vectors(self) -> int:
        """A row of a vector file: key, sha256, fp16 vectors of the whole and of the parts, boxes as fp32."""
        return 8 + 32 + 2 * self.dim * (1 + self.parts) + 16 * self.parts


KINDS = {
    # bytes in memory of one vector of width d
    "HNSW (M 16)": lambda d: 4 * d + 2 * 16 * 4 + 16,  # fp32, links of the lowest layer, ids
    "IVF_SQ8": lambda d: d + 16,  # a byte a dimension, ids
    "IVF_RABITQ": lambda d: d // 8 + 8 + 16,  # a bit a dimension, two factors, ids
}
PRICES = {"RAM": 2.50, "SSD": 0.10, "disk": 0.02}
"""Euros a gigabyte and month: assumed, for scale only."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=float, default=1e9)
    parser.add_argument("--rate", type=float, default=144, help="pictures a second a core, docs/results.md")
    given = parser.parse_args()
    n, sizes = int(given.pictures), Sizes()
    print(f"{n:,} pictures\n")
    stored = {"vector files": sizes.vectors, "thumbnails": sizes.thumbnail, "catalogue": sizes.catalogue}
    stored["full text"] = sizes.full_text
    print("| kept | bytes a picture | TB |\n|---|---|---|")
    for name, size in stored.items():
        print(f"| {name} | {size:,} | {n * size / 1e12:.1f} |")
    print("\n| index | bytes a vector | objects, GB | parts, GB | nodes of 256 GB for objects | objects and parts |")
    print("|---|---|---|---|---|---|")
    for name, bytes_of in KINDS.items():
        one = bytes_of(sizes.dim)
        objects, parts = n * one, n * one * sizes.parts
        room = sizes.node_ram * sizes.node_share
        nodes = [-(-total * sizes.replicas // room) for total in (objects, objects + parts)]
        print(f"| {name} | {one} | {objects / GB:,.0f} | {parts / GB:,.0f} | {nodes[0]:.0f} | {nodes[1]:.0f} |")
    cores = (32, 256, 1024)
    print("\n| cores | days to encode |\n|---|---|")
    for count in cores:
        print(f"| {count} | {n / (given.rate * count) / 86_400:.1f} |")
    ram = {name: n * bytes_of(sizes.dim) * (1 + sizes.parts) * sizes.replicas / GB for name, bytes_of in KINDS.items()}
    disk = n * sizes.thumbnail / GB
    ssd = n * (sizes.vectors + 2 * (sizes.catalogue + sizes.full_text)) / GB
    print("\n| index | RAM of two copies | SSD | disk | euros a month |\n|---|---|---|---|---|")
    for name, size in ram.items():
        cost = size * PRICES["RAM"] + ssd * PRICES["SSD"] + disk * PRICES["disk"]
        print(f"| {name} | {size:,.0f} GB | {ssd:,.0f} GB | {disk:,.0f} GB | {cost:,.0f} |")


if __name__ == "__main__":
    main()
