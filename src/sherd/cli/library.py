"""`sherd ingest`, `reindex`, `verify` and `repair`: options in, one call, numbers out."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.ingest.decoder import DecoderPool
    from sherd.ingest.library import Library
    from sherd.ingest.ray_pool import RayPool

_COUNT_LIMIT_S = 2.0
_MIB = 1024 * 1024

LIBRARY = typer.Option(None, "--library", help="Folder of the library.")
LIBRARY_ARGUMENT = typer.Argument(None, metavar="[LIBRARY]", help="Folder of the library, instead of --library.")
JSON = typer.Option(False, "--json", help="Print JSON lines; the last one is the result.")
WORKERS = typer.Option(None, "--workers", min=1, help="Processes that decode pictures (default: half the cores).")
VECTORS = typer.Option(
    None, "--vectors", metavar="milvus://...|folder", help="Keep the index on this server, or in the folder again."
)
MODEL = typer.Option(None, "--model", help="An encoder by name or the path of its folder.")


def ingest(
    source: Path = typer.Argument(help="A folder of pictures, a folder with a table, or the table itself."),
    library: Path = typer.Option(..., "--library", help="Folder of the library; made where it is absent or empty."),
    metadata: Path | None = typer.Option(None, "--metadata", help="The table: .csv, .tsv, .xlsx or .jsonl."),
    columns: Path | None = typer.Option(None, "--columns", help="TOML file that says which column holds what."),
    model: str | None = MODEL,
    strict: bool = typer.Option(False, "--strict", help="Exit with 3 when anything was rejected."),
    catalogue: str | None = typer.Option(
        None, "--catalogue", metavar="postgresql://...", help="Keep a new library's catalogue on this server."
    ),
    vectors: str | None = VECTORS,
    ray: str | None = typer.Option(
        None, "--ray", metavar="HOST:PORT|auto|local", help="Open and encode pictures on this Ray cluster."
    ),
    rehash: bool = typer.Option(False, "--rehash", help="Open every picture again, changed or not."),
    workers: int | None = WORKERS,
    batch: int = typer.Option(64, "--batch", min=1, max=1024, help="Pictures stored at a time."),
    max_pixels: int = typer.Option(200_000_000, "--max-pixels", min=1, help="Refuse pictures with more, unopened."),
    max_file_mib: int = typer.Option(512, "--max-file-mib", min=1, help="Refuse larger picture files."),
    memory_mib: int = typer.Option(3072, "--memory-mib", min=512, help="Memory of each decoding process."),
    time_limit_s: float = typer.Option(60.0, "--time-limit-s", min=0.1, help="Time for one picture."),
    as_json: bool = JSON,
) -> int:
    """Read pictures and their texts into a library. May be stopped at any time and run again."""
    from sherd.cli.progress import reporter_for
    from sherd.ingest.library import Library
    from sherd.ingest.sources import open_source

    mapping = None
    if columns is not None:
        from sherd.ingest.columns import load_mapping

        mapping = load_mapping(columns)
    opened = open_source(source, metadata, mapping, exclude=[library])
    with Library.open(library, create=True, catalogue=catalogue) as there, there.writer():
        if vectors is not None:
            there.keep_vectors_at(vectors)
        from sherd.encoder import load_encoder
        from sherd.ingest.decoder import DecoderPool
        from sherd.ingest.pictures import PictureLimits
        from sherd.ingest.pipeline import Ingest, IngestSettings, count_items

        name = model_name(model) or there.catalogue.encoder_name() or "builtin"
        encoder = load_encoder(name)
        limits = PictureLimits(max_pixels=max_pixels, max_file_bytes=max_file_mib * _MIB)
        table = _table_name(source, metadata) if opened.kind != "folder" else ""
        settings = IngestSettings(batch_pictures=batch, rehash=rehash, table=table)
        total = count_items(opened, _COUNT_LIMIT_S)
        memory = memory_mib * _MIB
        chosen: RayPool | DecoderPool
        if ray is not None:
            from sherd.ingest.ray_pool import RaySettings, pool_for

            there_too = RaySettings(memory_limit_bytes=memory, time_limit_s=time_limit_s, limits=limits)
            chosen = pool_for(there, encoder, ray, name, there_too)
        else:
            chosen = DecoderPool(_workers(workers), memory_limit_bytes=memory, time_limit_s=time_limit_s, limits=limits)
        with (
            chosen as pool,
            reporter_for(as_json=as_json) as reporter,
        ):
            run = Ingest(
                there, opened, encoder, pool, encoder_name=name, settings=settings, reporter=reporter, total=total
            )
            report = run.run()
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print(
            f"seen {report.seen} = added {report.added} + updated {report.updated} + unchanged {report.unchanged} "
            f"+ rejected {report.rejected}; {report.pictures} pictures of this source in the library; "
            f"{report.seconds:.1f} s"
        )
        if report.rejected:
            print(f"why {report.rejected} were rejected: {report.rejects_file}")
    return 3 if strict and report.rejected else 0


def reindex(
    folder: Path | None = LIBRARY_ARGUMENT,
    library: Path | None = LIBRARY,
    model: str | None = MODEL,
    recall: float | None = typer.Option(
        None, "--recall", min=0.5, max=0.999, help="Share of the nearest ten that a large index finds: 0.9, 0.95, 0.99."
    ),
    index: str | None = typer.Option(
        None, "--index", help="'lists' (small, quick to build) or 'hnsw' (faster to search; up to some millions)."
    ),
    only_index: bool = typer.Option(False, "--only-index", help="Keep the vectors; make only the search indexes."),
    vectors: str | None = VECTORS,
    as_json: bool = JSON,
) -> None:
    """Make all vectors of a library again, by its own encoder or by another one; searches go on meanwhile."""
    if only_index and model is not None:
        raise typer.BadParameter("another --model needs other vectors: leave --only-index out")
    with _open(folder, library) as there, there.writer():
        from sherd.cli.progress import reporter_for
        from sherd.encoder import load_encoder
        from sherd.ingest.reindex import index_anew
        from sherd.ingest.reindex import reindex as run

        if vectors is not None:
            there.keep_vectors_at(vectors)
        name = model_name(model) or there.catalogue.encoder_name() or "builtin"
        encoder = load_encoder(name)
        with reporter_for(as_json=as_json) as reporter:
            if only_index:
                indexes = index_anew(
                    there,
                    encoder,
                    kind=index,
                    recall=recall,
                    told=lambda _, done, total: reporter.advanced(done, total),
                )
            else:
                done = run(there, encoder, encoder_name=name, kind=index, recall=recall, settled=reporter.advanced)
                indexes = done.indexes
    reports = {name: asdict(one) for name, one in indexes.items()}
    if as_json:
        print(json.dumps({"indexes": reports} if only_index else asdict(done)))
        return
    if not only_index:
        print(f"{done.pictures} pictures have vectors by {done.model} ({done.fingerprint[:12]}); {done.seconds:.1f} s")
    elif not indexes:
        print("the library is small: every search is exact, and needs no index")
    for name, one in indexes.items():
        found = (
            "not measured" if one.recall is None else f"{one.recall:.3f} with {one.queries} queries ({one.asked_with})"
        )
        print(f"{name} index ({one.kind}): {one.vectors} vectors; recall@10 {found}, asked for {one.recall_asked_for}")


def verify(folder: Path | None = LIBRARY_ARGUMENT, library: Path | None = LIBRARY, as_json: bool = JSON) -> int:
    """Find anything in a library that is missing, extra or altered. Exits with 0 only when nothing is."""
    from sherd.ingest.verify import verify as run

    with _open(folder, library) as there:
        found = run(there)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        print("checked " + ", ".join(f"{count} {name}" for name, count in found.checked.items()))
        for problem in found.problems:
            print(f"{problem.kind}: {problem.where}: {problem.what}")
        print("all is well" if found.ok else f"{len(found.problems)} problems; `sherd repair` mends what can be mended")
    return 0 if found.ok else 1


def repair(
    folder: Path | None = LIBRARY_ARGUMENT,
    library: Path | None = LIBRARY,
    workers: int | None = WORKERS,
    as_json: bool = JSON,
) -> int:
    """Mend what verify finds, from the catalogue and the sources. Exits with 0 only when nothing is left."""
    with _open(folder, library) as there, there.writer(), _pool(workers) as pool:
        from sherd.encoder import load_encoder
        from sherd.ingest.repair import repair as run

        done = run(there, pool, load_encoder)
    if as_json:
        print(json.dumps(done.as_dict(), ensure_ascii=False))
    else:
        print(f"{len(done.before.problems)} problems found, {len(done.after.problems)} left")
        for problem in done.after.problems:
            print(f"{problem.kind}: {problem.where}: {problem.what}")
    return 0 if done.after.ok else 1


def _open(folder: Path | None, library: Path | None) -> Library:
    from sherd.ingest.library import Library

    chosen = library or folder
    if chosen is None:
        raise typer.BadParameter("give the folder of the library: --library DIR")
    return Library.open(chosen)


def _pool(workers: int | None) -> DecoderPool:
    from sherd.ingest.decoder import DecoderPool

    return DecoderPool(_workers(workers))


def _workers(wanted: int | None) -> int:
    return wanted or max(1, (os.cpu_count() or 1) // 2)


def model_name(model: str | None) -> str | None:
    """A path is kept absolute: a search may be started elsewhere."""
    if model is not None and (os.sep in model or model.startswith((".", "~"))):
        return os.path.abspath(os.path.expanduser(model))
    return model


def _table_name(source: Path, metadata: Path | None) -> str:
    """Names the table in the same way, however it was given."""
    from sherd.ingest.sources import TABLE_NAMES

    root = source if source.is_dir() else source.parent
    found = metadata or next((source / name for name in TABLE_NAMES if (source / name).exists()), source)
    path = os.path.abspath(found)
    inside = os.path.relpath(path, os.path.abspath(root))
    return path if inside.startswith("..") else inside
