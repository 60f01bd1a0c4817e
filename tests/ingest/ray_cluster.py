"""A Ray cluster of two machines on this one, and an ingest during which one of them is killed.

    python -m tests.ingest.ray_cluster FOLDER      # with the pictures of `museum(FOLDER / "src", 300)` in it

Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from sherd.encoder.toy import ToyEncoder
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest, IngestSettings
from sherd.ingest.ray_pool import RaySettings, pool_for
from tests.ingest.museum import museum

_KILL_AFTER = 4
_PATIENCE_S = 60.0


def main(folder: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    nodes = [_alive()]
    batches = [0, 0]

    def hook(step: str) -> None:
        if step != "acknowledged":
            return
        if batches[0] == _KILL_AFTER and not batches[1]:
            cluster.remove_node(second, allow_graceful=False)
            until = time.monotonic() + _PATIENCE_S
            while _alive() == nodes[0] and time.monotonic() < until:  # until the head has noticed
                time.sleep(0.2)
            nodes.append(_alive())
        batches[len(nodes) - 1] += 1

    encoder = ToyEncoder()
    with Library.open(folder / "far", create=True) as library:
        pool = pool_for(library, encoder, cluster.address, "toy", RaySettings(block=4, ahead=4))
        source = museum(folder / "src", 300)
        run = Ingest(library, source, encoder, pool, settings=IngestSettings(batch_pictures=16), hook=hook)
        report = run.run()
    ray.shutdown()
    cluster.shutdown()
    said: dict[str, Any] = {"added": report.added, "nodes": nodes, "seconds": report.seconds}
    print(json.dumps(said | {"batches_before_the_kill": batches[0], "batches_after_the_kill": batches[1]}))


def _alive() -> int:
    return sum(node["Alive"] for node in ray.nodes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
