"""An ingest over a Ray cluster makes the library that an ingest on one machine makes, also when a machine dies in the
middle. The logic is tested by a stand-in for Ray that runs tasks at once; `make test-long` has a real cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import EncoderMismatch, InvalidArgument, MissingExtra, ServerAway
from sherd.ingest import ray_pool
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.ray_pool import RayPool, RaySettings, pool_for
from sherd.ingest.verify import verify
from tests.ingest.museum import ListSource, ingest, museum, paint, record
from tests.postgres_server import free_port

ROOT = Path(__file__).resolve().parents[2]


class StandIn:
    """What `RayPool` uses of Ray, in this process; `lost` tasks are run once more, as Ray does when a machine dies."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, tuple[Any, ...]]] = []
        self.exceptions = SimpleNamespace(RayTaskError=_TaskError, RayError=_RayError)
        self.failing: Exception | None = None

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        assert options["max_retries"] == -1

        def made(function: Callable[..., Any]) -> Any:
            return SimpleNamespace(remote=lambda *given: self._run(function, given, options.get("num_returns", 1)))

        return made

    def _run(self, function: Callable[..., Any], given: tuple[Any, ...], returns: int) -> Any:
        self.tasks.append((function.__name__, given))
        given = tuple(one.value if isinstance(one, _Ref) else one for one in given)
        try:
            found = function(*given)
        except Exception as error:
            return _Ref(_TaskError(error))
        return [_Ref(one) for one in found] if returns > 1 else _Ref(found)

    def get(self, ref: _Ref) -> Any:
        if self.failing is not None:
            raise self.failing
        if isinstance(ref.value, Exception):
            raise ref.value
        return ref.value

    def wait(self, refs: Sequence[_Ref], num_returns: int, timeout: float | None = None) -> Any:
        # the last one first: blocks do not come back in their order
        return list(refs[-num_returns:]), []


class _Ref:
    def __init__(self, value: Any) -> None:
        self.value = value


class _RayError(Exception):
    pass


class _TaskError(_RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    made = StandIn()
    monkeypatch.setattr(ray_pool, "_ray", lambda: made)
    yield made
    for one in (ray_pool._decoder, ray_pool._loaded):
        one.cache_clear()


def state(folder: Path) -> dict[str, object]:
    with Library.open(folder) as library:
        ids = library.catalogue.record_ids()
        found = library.catalogue.get_many(ids)
        thumbnails = {path.name: path.read_bytes() for path in library.thumbnails.rglob("*.jpg")}
        table = library.catalogue.vector_table()
        store = library.parts(ToyEncoder().fingerprint)
        rows: dict[str, tuple[bytes, bytes]] = {}
        for info in table.parts:
            part = store.read(info)
            rows |= {part.sha256(n): (part.object[n].tobytes(), part.parts[n].tobytes()) for n in range(info.rows)}
        assert verify(library).problems == []
        return {"records": found, "thumbnails": thumbnails, "vectors": rows, "count": library.catalogue.count()}


def over_ray(folder: Path, source: Any, *, block: int = 4, rehash: bool = False) -> Any:
    from sherd.ingest.pipeline import IngestSettings

    Library.open(folder, create=True).close()
    with Library.open(folder) as library:
        pool = pool_for(library, ToyEncoder(), "there", "toy", RaySettings(block=block))
        return ingest(folder, source, pool, settings=IngestSettings(batch_pictures=8, rehash=rehash))


def test_the_library_is_the_one_that_one_machine_makes(tmp_path: Path, ray: StandIn) -> None:
    source = museum(tmp_path / "src", 40)
    (tmp_path / "src" / source.records[5].images[0].path).write_bytes(b"no picture")  # type: ignore[union-attr]
    with DecoderPool() as pool:
        near = ingest(tmp_path / "near", source, pool)
    far = over_ray(tmp_path / "far", source)
    assert (near.added, near.rejected) == (far.added, far.rejected) == (39, 1)
    assert state(tmp_path / "near") == state(tmp_path / "far")
    again = over_ray(tmp_path / "far", source)
    assert (again.unchanged, again.rejected) == (39, 1)


def test_what_the_library_has_is_not_encoded_again(tmp_path: Path, ray: StandIn) -> None:
    source = museum(tmp_path / "src", 12)
    over_ray(tmp_path / "lib", source)
    before = len(ray.tasks)
    report = over_ray(tmp_path / "lib", source, rehash=True)
    assert report.unchanged == 12
    opened = [given for name, given in ray.tasks[before:] if name == "open_block"]
    encoded = [given[1] for name, given in ray.tasks[before:] if name == "encode_block"]
    assert sum(len(given[0]) for given in opened) == 12
    assert encoded == [[]] * len(encoded)


def test_blocks_are_as_large_as_is_said(tmp_path: Path, ray: StandIn) -> None:
    over_ray(tmp_path / "lib", museum(tmp_path / "src", 10), block=3)
    assert [len(given[0]) for name, given in ray.tasks if name == "open_block"] == [3, 3, 3, 1]


def test_one_picture_twice_in_a_source_is_there_once(tmp_path: Path, ray: StandIn) -> None:
    for name in ("a.png", "b.png"):
        paint(tmp_path / "src" / name, (9, 9, 9))
    source = ListSource(tmp_path / "src", [record("a", "a.png"), record("b", "b.png")])
    over_ray(tmp_path / "lib", source, block=1)
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.count() == (2, 1)
        assert verify(library).problems == []


def test_a_machine_with_another_encoder_is_told(tmp_path: Path, ray: StandIn) -> None:
    pool = RayPool("there", "toy", "0" * 64)
    paint(tmp_path / "a.png", (9, 9, 9))
    with pytest.raises(EncoderMismatch, match="install the same Sherd and model"):
        list(pool.open_many([(1, tmp_path, "a.png")]))


def test_a_cluster_that_is_gone_is_told(tmp_path: Path, ray: StandIn) -> None:
    pool = RayPool("there", "toy", ToyEncoder().fingerprint)
    ray.failing = _RayError("the head died")
    with pytest.raises(ServerAway, match=r"there: the Ray cluster failed .*acknowledged is kept"):
        list(pool.open_many([(1, tmp_path, "a.png")]))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"sherd\[ray\]"):
        RayPool("there", "toy", "")


def test_a_cluster_that_is_not_there_is_told() -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'sherd[ray]'")
    with pytest.raises(ServerAway, match=r"there is no Ray cluster .*ray start --head"):
        RayPool(f"127.0.0.1:{free_port()}", "toy", "")


@pytest.mark.parametrize("bad", [{"block": 0}, {"ahead": 0}])
def test_settings_outside_of_their_range_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument, match="must be 1 or more"):
        RaySettings(**bad)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_machine_that_dies_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'sherd[ray]'")
    source = museum(tmp_path / "src", 300)
    with DecoderPool() as pool:
        ingest(tmp_path / "near", source, pool)
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.ingest.ray_cluster", str(tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["added"] == 300
    assert told["nodes"] == [2, 1]
    assert told["batches_before_the_kill"] > 0
    assert told["batches_after_the_kill"] > 0
    assert state(tmp_path / "near") == state(tmp_path / "far")
