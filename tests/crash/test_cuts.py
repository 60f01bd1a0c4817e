"""A server restarted in the middle of an ingest costs nothing but time."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.crash.cuts import CutSeries
from tests.postgres_server import PostgresServer


def restart(server: PostgresServer, dice: random.Random) -> None:
    """At once with a recovery, or with every connection cut; away for up to half a second."""
    server.stop(dice.choice([signal.SIGQUIT, signal.SIGINT]))
    time.sleep(dice.uniform(0.0, 0.5))
    server.start()


def cuts_of_postgres(folder: Path, cuts: int, *, objects: int, seed: int, minutes: float = 1e9) -> CutSeries:
    """A series of `cuts` restarts under ingests of `objects` objects; fewer where `minutes` are over."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sherd[postgres]'")
    server = PostgresServer(durable=True)
    server.start()
    try:
        series = CutSeries(
            folder, lambda n: ["--catalogue", server.url(f"n{n}")], lambda dice: restart(server, dice),
            objects=objects, seed=seed,
        )  # fmt: skip
        series.run(cuts, minutes=minutes)
    finally:
        server.remove()
    return series


def test_a_restart_of_the_catalogues_server_is_waited_for(tmp_path: Path) -> None:
    tally = cuts_of_postgres(tmp_path, 2, objects=20, seed=1).tally
    assert tally.violations == 0, tally
    assert tally.cuts == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_restarts_of_the_catalogues_server_harm_nothing(tmp_path: Path) -> None:
    tally = cuts_of_postgres(tmp_path, 20, objects=150, seed=2).tally
    print(tally)
    assert tally.violations == 0, tally
    assert tally.cuts == 20
