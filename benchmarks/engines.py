"""Vector engines behind one small form, each with the steps of its dial: ours, bare FAISS, and installed peers.

Peers are no dependencies of Sherd: `pip install usearch lancedb qdrant-edge-py pymilvus milvus-lite pgserver psycopg`.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Keys = NDArray[np.int64]
BATCH = 10_000
GRAPH = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 800)


class Engine:
    """`build` in one process, `open` and `search` in another. The steps go from cheap to dear."""

    name = ""
    steps: Sequence[Any] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, rows: Rows) -> None:
        raise NotImplementedError

    def open(self, count: int) -> None:
        raise NotImplementedError

    def search(self, query: Rows, step: Any) -> Keys:
        """(10,) keys for one query (D,)."""
        raise NotImplementedError

    def worker(self) -> None:
        """Called once in each client's thread."""
        faiss.omp_set_num_threads(1)

    def close(self) -> None:
        """Let go of servers."""


class Sherd(Engine):
    """Our index; its steps are the targets of its dial, and searches go through its pool."""

    name, kind = "sherd", "lists"

    def build(self, rows: Rows) -> None:
        from sherd.vectors.faiss_index import FaissIndex, IndexSettings
        from sherd.vectors.manifest import Manifest, saved, write_manifest
        from sherd.vectors.tuning import own_queries, tune

        index = FaissIndex(rows.shape[1], settings=IndexSettings(kind=self.kind), folder=self.folder / "f")
        index.build(np.arange(len(rows)), _Source(rows))
        index.dial = tune(index, own_queries(index), asked_with="own")
        layers = saved(index.state.layers, self.folder / "f")
        write_manifest(self.folder / "index", Manifest(index.dim, self.kind, 0.95, layers, index.dial))

    def open(self, count: int) -> None:
        from sherd.vectors.depths import Depths
        from sherd.vectors.faiss_index import FaissIndex
        from sherd.vectors.manifest import open_layers, read_manifest
        from sherd.vectors.pool import SearchPool

        manifest = read_manifest(self.folder / "index")
        assert manifest is not None
        assert manifest.dial is not None
        layers = open_layers(manifest, self.folder / "f")
        self.index = FaissIndex(manifest.dim, layers=layers, dial=manifest.dial)
        self.dial = manifest.dial
        # Around the dial's own settings, so that the recall of others can be matched.
        self.steps = [Depths(p, r, e) for p, r, e in _ladder([one.depths for one in manifest.dial.settings])]
        self.pool, self.step = SearchPool(self.index), None

    def search(self, query: Rows, step: Any) -> Keys:
        if step is not self.step:  # the clients of one measurement all ask with the same
            self.step, self.index.settings = step, replace(self.index.settings, depths=step)
        return self.pool.search(query[None], 10)[1][0]

    def close(self) -> None:
        self.pool.close()


class SherdGraph(Sherd):
    name, kind = "sherd_hnsw", "hnsw"


class BareFaiss(Engine):
    """The same lists, codes and near bytes in FAISS's own classes, without tail, tombstones or filters."""

    name = "faiss_same"
    steps = tuple(itertools.product((16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), (10, 20, 40)))

    def build(self, rows: Rows) -> None:
        from sherd.vectors.coder import learn_coder, lists_for

        sample = rows[np.sort(np.random.default_rng(0).choice(len(rows), min(len(rows), 131_072), replace=False))]
        coder = learn_coder(np.ascontiguousarray(sample), len(rows), energy=0.995)
        near = coder.near
        turn = faiss.LinearTransform(rows.shape[1], near, False)
        faiss.copy_array_to_vector(np.ascontiguousarray(coder.rotation.matrix[:near]).ravel(), turn.A)
        turn.is_trained = True
        code = f"IVF{lists_for(len(rows))},PQ{near // 2}x4fs,Refine(SQ8)"
        index = faiss.index_factory(near, code, faiss.METRIC_INNER_PRODUCT)
        lists = faiss.extract_index_ivf(index)
        lists.by_residual, lists.cp.spherical, lists.cp.niter = True, True, 10
        index.train(np.ascontiguousarray(sample @ coder.rotation.matrix[:near].T))
        for start in range(0, len(rows), BATCH):
            index.add(np.ascontiguousarray(rows[start : start + BATCH] @ coder.rotation.matrix[:near].T))
        faiss.write_index(faiss.IndexPreTransform(turn, index), str(self.folder / "x"))

    def open(self, count: int) -> None:
        self.index = faiss.read_index(str(self.folder / "x"))

    def search(self, query: Rows, step: Any) -> Keys:
        lists = faiss.SearchParametersIVF(nprobe=step[0])
        refined = faiss.IndexRefineSearchParameters(k_factor=step[1], base_index_params=lists)
        parameters = faiss.SearchParametersPreTransform(index_params=refined)
        return self.index.search(query[None], 10, params=parameters)[1][0]


class FaissGraph(Engine):
    name, steps = "faiss_hnsw", GRAPH

    def build(self, rows: Rows) -> None:
        index = faiss.IndexHNSWSQ(rows.shape[1], faiss.ScalarQuantizer.QT_8bit, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
        index.train(np.ascontiguousarray(rows[:100_000]))
        index.add(np.ascontiguousarray(rows))
        faiss.write_index(index, str(self.folder / "x"))

    def open(self, count: int) -> None:
        self.index = faiss.read_index(str(self.folder / "x"))

    def search(self, query: Rows, step: Any) -> Keys:
        return self.index.search(query[None], 10, params=faiss.SearchParametersHNSW(efSearch=step))[1][0]


class Usearch(Engine):
    name, steps = "usearch", GRAPH

    def _make(self, dim: int) -> Any:
        from usearch.index import Index

        return Index(ndim=dim, metric="ip", dtype="i8", connectivity=16, expansion_add=80)

    def build(self, rows: Rows) -> None:
        index = self._make(rows.shape[1])
        for start in range(0, len(rows), BATCH):
            batch = np.ascontiguousarray(rows[start : start + BATCH])
            index.add(np.arange(start, start + len(batch)), batch, threads=2)
        index.save(str(self.folder / "x"))
        (self.folder / "dim").write_text(str(rows.shape[1]))

    def open(self, count: int) -> None:
        self.index = self._make(int((self.folder / "dim").read_text()))
        self.index.load(str(self.folder / "x"))

    def search(self, query: Rows, step: Any) -> Keys:
        self.index.expansion_search = step
        return np.asarray(self.index.search(query, 10).keys, np.int64)


class Lance(Engine):
    name = "lancedb"
    steps = ((16, 20), (32, 20), (32, 40), (64, 40), (96, 60), (128, 80), (256, 100), (256, 200))

    def build(self, rows: Rows) -> None:
        import lancedb
        import pyarrow as pa

        def batches() -> Iterator[Any]:
            for start in range(0, len(rows), BATCH):
                batch = np.ascontiguousarray(rows[start : start + BATCH])
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(batch.ravel()), rows.shape[1])
                yield pa.RecordBatch.from_arrays([pa.array(np.arange(start, start + len(batch))), vectors], ["id", "v"])

        schema = pa.schema([("id", pa.int64()), ("v", pa.list_(pa.float32(), rows.shape[1]))])
        table = lancedb.connect(str(self.folder / "db")).create_table("x", batches(), schema=schema)
        parts = max(1, round(len(rows) ** 0.5))
        half = rows.shape[1] // 4
        table.create_index(
            metric="dot", num_partitions=parts, num_sub_vectors=half, vector_column_name="v", index_type="IVF_PQ"
        )

    def open(self, count: int) -> None:
        import lancedb

        self.table = lancedb.connect(str(self.folder / "db")).open_table("x")

    def search(self, query: Rows, step: Any) -> Keys:
        asked = self.table.search(query, vector_column_name="v").distance_type("dot").nprobes(step[0])
        return np.asarray(asked.refine_factor(step[1]).select(["id"]).limit(10).to_arrow()["id"], np.int64)


class Qdrant(Engine):
    name, steps = "qdrant_edge", GRAPH

    def build(self, rows: Rows) -> None:
        import qdrant_edge as q

        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(rows.shape[1], q.Distance.Dot),
            hnsw_config=q.HnswIndexConfig(16, 80, 10),
            quantization_config=q.ScalarQuantizationConfig(q.ScalarType.Int8, always_ram=True),
            optimizers=q.EdgeOptimizersConfig(indexing_threshold=1_000, default_segment_number=1),
        )
        (self.folder / "shard").mkdir()
        shard = q.EdgeShard.create(str(self.folder / "shard"), config)
        for start in range(0, len(rows), BATCH):
            batch = [q.Point(start + n, row.tolist()) for n, row in enumerate(rows[start : start + BATCH])]
            shard.update(q.UpdateOperation.upsert_points(batch))
        while shard.optimize():
            pass
        shard.flush()
        shard.close()

    def open(self, count: int) -> None:
        import qdrant_edge as q

        self.q, self.shard = q, q.EdgeShard.load(str(self.folder / "shard"))

    def search(self, query: Rows, step: Any) -> Keys:
        q = self.q
        fine = q.QuantizationSearchParams(rescore=True, oversampling=2.0)
        asked = q.SearchRequest(
            q.Query.Nearest(query.tolist()), limit=10, params=q.SearchParams(hnsw_ef=step, quantization=fine)
        )
        return np.array([point.id for point in self.shard.search(asked)], np.int64)

    def close(self) -> None:
        self.shard.close()


class Milvus(Engine):
    name, steps = "milvus_lite", GRAPH

    def build(self, rows: Rows) -> None:
        from pymilvus import MilvusClient

        client = MilvusClient(str(self.folder / "x.db"))
        client.create_collection("x", dimension=rows.shape[1], metric_type="IP", auto_id=False)
        client.release_collection("x")
        client.drop_index("x", "vector")
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            client.insert("x", [{"id": start + n, "vector": row} for n, row in enumerate(np.asarray(batch))])
        asked = client.prepare_index_params()
        asked.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 80})
        client.create_index("x", asked)
        client.close()

    def open(self, count: int) -> None:
        from pymilvus import MilvusClient

        self.client = MilvusClient(str(self.folder / "x.db"))
        self.client.load_collection("x")

    def search(self, query: Rows, step: Any) -> Keys:
        found = self.client.search("x", [query.tolist()], limit=10, search_params={"params": {"ef": step}})
        return np.array([one["id"] for one in found[0]], np.int64)

    def close(self) -> None:
        self.client.close()


class PgVector(Engine):
    name, steps = "pgvector", GRAPH

    def _server(self) -> Any:
        import pgserver

        return pgserver.get_server(self.folder / "pg")

    def build(self, rows: Rows) -> None:
        import psycopg

        with psycopg.connect(self._server().get_uri(), autocommit=True) as link:
            link.execute("CREATE EXTENSION IF NOT EXISTS vector")
            link.execute(f"CREATE TABLE x (id bigint PRIMARY KEY, v vector({rows.shape[1]}))")
            with link.cursor().copy("COPY x FROM STDIN") as copy:
                for key, row in enumerate(rows):
                    copy.write_row((key, "[" + ",".join(f"{value:.6f}" for value in row) + "]"))
            link.execute("SET maintenance_work_mem = '2GB'")
            link.execute("CREATE INDEX ON x USING hnsw (v vector_ip_ops) WITH (m = 16, ef_construction = 64)")

    def open(self, count: int) -> None:
        import threading

        self._uri, self._local = self._server().get_uri(), threading.local()

    def search(self, query: Rows, step: Any) -> Keys:
        import psycopg

        link = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = psycopg.connect(self._uri, autocommit=True)
        link.execute(f"SET hnsw.ef_search = {int(step)}")
        asked = "[" + ",".join(f"{value:.6f}" for value in query) + "]"
        rows = link.execute("SELECT id FROM x ORDER BY v <#> %s::vector LIMIT 10", (asked,)).fetchall()
        return np.array([row[0] for row in rows], np.int64)


ENGINES: dict[str, type[Engine]] = {
    engine.name: engine
    for engine in (Sherd, SherdGraph, BareFaiss, FaissGraph, Usearch, Qdrant, Lance, Milvus, PgVector)
}


class _Source:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def vectors(self, keys: Keys) -> Rows:
        return np.ascontiguousarray(self._rows[keys])


def _ladder(known: list[Any]) -> list[tuple[int, int, int]]:
    """The depths of the dial and some between and beyond them, from cheap to dear."""
    shares = (0.7, 0.85, 1, 1.2, 1.5, 2, 3, 6)
    steps = {(max(1, round(one.probes * share)), one.rerank, one.exact) for one in known for share in shares}
    return sorted(steps)


def disk_mib(folder: Path) -> int:
    """Size of everything in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def empty(folder: Path) -> Path:
    """The folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
