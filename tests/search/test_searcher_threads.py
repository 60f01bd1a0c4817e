"""Many threads search one library while it is read into, merged and compacted."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.search.question import encode, texts_of
from sherd.search.searcher import Searcher
from sherd.search.settings import SearchSettings
from sherd.types import Answer, Picture, Query
from sherd.vectors.faiss_index import IndexSettings
from tests.search.memory import COLOURS, MemoryLibrary, plain, quarters

NAMES = sorted(COLOURS)


def show(file: Path, picture: Picture) -> None:
    Image.fromarray(picture).save(file)


def grown(folder: Path, count: int = 60) -> MemoryLibrary:
    library, rng = MemoryLibrary(folder), np.random.default_rng(0)
    library.add(*((f"X-{n:03}", quarters(*rng.choice(NAMES, 4).tolist())) for n in range(count)))
    return library


@pytest.mark.parametrize("index", [IndexSettings(), IndexSettings(exact_limit=20, brute_limit=5)])
def test_threads_get_what_one_gets(tmp_path: Path, index: IndexSettings) -> None:
    library = grown(tmp_path)
    finder = Searcher(library, library.encoder, index_settings=index)
    queries = [Query(text=name, k=20) for name in NAMES] + [Query(image=plain(name), k=20) for name in NAMES]
    alone = [finder.search(query).hits for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: finder.search(queries[n % len(queries)]).hits, range(160)))
    assert together == alone * 10


@pytest.mark.parametrize("index", [IndexSettings(), IndexSettings(exact_limit=20, brute_limit=5)])
def test_threads_search_on_while_records_come_and_change(tmp_path: Path, index: IndexSettings) -> None:
    rng, source = np.random.default_rng(0), tmp_path / "source"
    source.mkdir()
    for n in range(40):
        show(source / f"X-{n:02}.png", quarters(*rng.choice(NAMES, 4).tolist()))
    steady, done = {f"X-{n:02}.png" for n in range(40)}, threading.Event()

    def search(finder: Searcher, n: int) -> list[Answer]:
        answers: list[Answer] = []
        while not done.is_set() or not answers:
            answers.append(finder.search(Query(text=NAMES[n % len(NAMES)], k=200), refine=0))
        return answers

    with Library.open(tmp_path / "library", create=True) as library, DecoderPool(1) as pool:

        def ingest() -> None:
            Ingest(library, open_source(source), ToyEncoder(), pool, encoder_name="toy").run()

        ingest()
        finder = Searcher(library, ToyEncoder(), index_settings=index)
        with ThreadPoolExecutor(6) as threads:
            jobs = [threads.submit(search, finder, n) for n in range(6)]
            try:
                for n in range(8):
                    show(source / f"N-{n}.png", plain(NAMES[n]))
                    show(source / "changing.png", quarters("red", NAMES[n], "white", NAMES[-n]))
                    ingest()
            finally:
                done.set()
            answers = [answer for job in jobs for answer in job.result(60)]
        last = {hit.record_id for hit in finder.search(Query(text="red", k=200)).hits}
    assert len(answers) > 20
    for answer in answers:
        found = [hit.record_id for hit in answer.hits]
        assert len(found) == len(set(found))
        assert steady <= set(found)
    assert last == steady | {f"N-{n}.png" for n in range(8)} | {"changing.png"}


def test_words_are_looked_up_once_until_something_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = grown(tmp_path, 8)
    library.add(("D-1", plain("white")), title="a red dish")
    finder, asked = Searcher(library, library.encoder), list[str]()
    plainly = library.memory.lexical

    def counted(text: str, *rest: Any) -> list[tuple[str, float]]:
        asked.append(text)
        return plainly(text, *rest)

    monkeypatch.setattr(library.memory, "lexical", counted)
    first = finder.search(Query(text="dish", minus="bowl")).hits
    assert finder.search(Query(text="dish", minus="bowl")).hits == first
    assert asked == ["dish", "bowl"]
    finder.search(Query(text="dish", where={"culture": ("Tang",)}))
    finder.search(Query(text="dish", where={"culture": ("Tang",)}))
    assert asked == ["dish", "bowl", "dish", "dish"]
    library.add(("D-2", plain("white")), title="another dish")
    hits = finder.search(Query(text="dish", k=20)).hits
    assert asked[4:] == ["dish"]
    assert {hit.record_id for hit in hits if hit.reasons["lexical"] > 0} == {"D-1", "D-2"}


def test_a_question_encoded_before_is_not_encoded_again(tmp_path: Path) -> None:
    library = grown(tmp_path)
    finder = Searcher(library, library.encoder)
    query = Query(text="red, and blue", minus="green", k=5)
    assert texts_of(query) == ["red, and blue", "green", "red", "blue"]
    question = encode(query, library.encoder, SearchSettings())
    assert finder.search(Query(text="white"), question=question).hits[0] != finder.search(Query(text="white")).hits[0]
    assert finder.search(query, question=question).hits == finder.search(query).hits
    assert [hit.record_id for hit in finder.search(query, skip=2).hits][:3] == [
        hit.record_id for hit in finder.search(query).hits
    ][2:5]
