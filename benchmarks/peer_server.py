"""The least that answers a text with pictures: FastAPI, the same text encoder and FAISS, and nothing else.

`python benchmarks/peer_server.py --library DIR` prints its address. It is what one writes in an afternoon: one vector a
picture, the exact inner products of all, the record's id and title. No parts, words, filters, boxes, limits or tokens.
`--clip-retrieval DIR` serves the same through clip-retrieval's back end as it is installed in that folder, over an
index and a table of its own form, with its CLIP replaced by the same encoder; see benchmarks/peers.py.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import tempfile
import types
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.ingest.library import Library
from sherd.vectors.rows import PartRows


def read_library(folder: Path) -> tuple[Encoder, NDArray[np.float32], list[tuple[str, str]]]:
    """The encoder, the object vectors (n, D), and (record id, title) of each."""
    with Library.open(folder) as library:
        table = library.catalogue.vector_table()
        fingerprint, name = library.catalogue.encoder_fingerprint(), library.catalogue.encoder_name()
        assert fingerprint is not None
        assert name is not None
        rows = PartRows(library.parts(fingerprint), *table.located)
        shown = library.catalogue.hits_for(rows.keys)
        said = [(shown[key][0].record_id, shown[key][0].title) for key in rows.keys.tolist()]
        return load_encoder(name), rows.object_vectors(rows.keys), said


def plain_app(library: Path) -> Any:
    """FastAPI over FAISS. Routes are plain functions, which FastAPI runs in its threads."""
    import fastapi
    import pydantic

    encoder, vectors, said = read_library(library)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    class Query(pydantic.BaseModel):
        text: str
        k: int = 20

    app = fastapi.FastAPI()

    def search(query: Query) -> dict[str, Any]:
        scores, found = index.search(encoder.encode_text([query.text]), query.k)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return {"hits": [{"record_id": said[n][0], "title": said[n][1], "score": score} for n, score in pairs]}

    search.__annotations__["query"] = Query
    app.post("/api/v1/search")(search)
    return app


def serve_plain(library: Path) -> None:
    import uvicorn

    app, listener = plain_app(library), _listener()

    @asynccontextmanager
    async def tell(_: Any) -> Any:
        _print_address(listener)
        yield

    app.router.lifespan_context = tell
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listener])


def serve_clip_retrieval(library: Path, installed: Path) -> None:
    """Its `KnnService` under Flask's own threaded server, as its `clip_back` starts it."""
    sys.path[1:1] = [str(installed)]
    package = types.ModuleType("clip_retrieval")  # its own imports torch, a downloader and a trainer first
    package.__path__ = [str(installed / "clip_retrieval")]
    sys.modules["clip_retrieval"] = package
    import flask
    import flask_restful
    import pandas
    import torch
    from clip_retrieval import clip_back
    from werkzeug.serving import WSGIRequestHandler, make_server

    encoder, vectors, said = read_library(library)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    class Texts(list[str]):
        def to(self, _: str) -> Texts:
            return self

    class Model:
        def encode_text(self, texts: list[str]) -> Any:
            return torch.from_numpy(encoder.encode_text(texts))

    with tempfile.TemporaryDirectory() as folder:
        table = pandas.DataFrame({"url": [one[0] for one in said], "caption": [one[1] for one in said]})
        table.to_parquet(Path(folder) / "0.parquet")
        metadata = clip_back.ParquetMetadataProvider(folder)
        resource = clip_back.ClipResource(
            device="cpu", model=Model(), preprocess=None, tokenizer=Texts, model_txt_mclip=None, safety_model=None,
            violence_detector=None, metadata_provider=metadata, image_index=index, text_index=None,
            ivf_old_to_new_mapping=None, columns_to_return=["url", "caption"], metadata_is_ordered_by_ivf=False,
            aesthetic_embeddings=None,
        )  # fmt: skip
        app = flask.Flask("peer")

        class Search(clip_back.KnnService):  # type: ignore[misc, name-defined]
            """Takes a question in the form in which the generator asks it."""

            def post(self) -> Any:
                asked = flask.request.get_json()
                return self.query(
                    text_input=asked["text"], num_images=asked["k"], num_result_ids=asked["k"], indice_name="relics",
                    deduplicate=False,
                )  # fmt: skip

        given = {"resource_class_kwargs": {"clip_resources": {"relics": resource}}}
        flask_restful.Api(app).add_resource(Search, "/api/v1/search", **given)
        WSGIRequestHandler.protocol_version = "HTTP/1.1"  # connections stay open, as those to the others do
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        listener = _listener()
        _print_address(listener)
        make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1_000)
    return listener


def _print_address(listener: socket.socket) -> None:
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--clip-retrieval", type=Path, help="folder into which clip-retrieval was installed by pip")
    given = parser.parse_args()
    if given.clip_retrieval is None:
        serve_plain(given.library)
    else:
        serve_clip_retrieval(given.library, given.clip_retrieval)


if __name__ == "__main__":
    main()
