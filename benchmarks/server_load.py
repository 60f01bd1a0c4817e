"""What does a server bear? `python benchmarks/server_load.py --records 100000`.

`sherd serve` over a large library (see large_library.py), and beside it, in a process of its own, a generator with an
open loop: every search has its moment, drawn from a Poisson process, and its latency counts from that moment, whether
the server or the generator was late. A client is one who asks once a second on average and does not wait.

Rows: 1, 8 and 32 clients with texts whose vectors are kept and with texts that are new; the capacity (8 connections
that ask again as soon as they are answered); 3 and 10 times that for a while, how soon the server is well again, and
what it says of its health 5 s later; half the capacity for long, and the memory before and after all this.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import psutil
from large_library import make_large_library, texts_of
from provenance import ROOT, write

STAGES = ("encode", "index", "rerank", "catalogue")
CLIENTS = (1, 8, 32)
_KEPT_TEXTS = 200
_MOST_CONNECTIONS = 400


@dataclass(slots=True)
class Result:
    """What the generator saw: of each answer its status, latency and the stages it tells; in milliseconds."""

    ok_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    stages: list[list[float]] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    without_retry_after: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0


class Connections:
    """A pool of plain HTTP/1.1 connections: as light as can be, since it takes the server's own cores."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def ask(self, body: bytes) -> tuple[int, bytes, bytes]:
        """Status, headers and body of an answer to a search."""
        head = f"POST /api/v1/search HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        async with self._room:
            while self._idle and self._idle[-1][0].at_eof():  # the server has closed it, idle as it was
                self._idle.pop()[1].close()
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                headers = await reader.readuntil(b"\r\n\r\n")
                lower = headers.lower()
                start = lower.index(b"content-length:") + 15
                said = await reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
            except BaseException:
                writer.close()
                raise
            if b"connection: close" in lower:
                writer.close()
            else:
                self._idle.append((reader, writer))
            return int(headers[9:12]), lower, said

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


def body_of(text: str) -> bytes:
    return json.dumps({"text": text, "k": 20}, ensure_ascii=False).encode()


async def one(connections: Connections, text: str, moment: float, result: Result) -> None:
    result.late_ms.append(1e3 * max(time.perf_counter() - moment, 0))
    try:
        status, headers, said = await connections.ask(body_of(text))
    except (OSError, asyncio.IncompleteReadError) as error:
        name = type(error).__name__
        result.statuses[name] = result.statuses.get(name, 0) + 1
        return
    latency = 1e3 * (time.perf_counter() - moment)
    result.statuses[str(status)] = result.statuses.get(str(status), 0) + 1
    if status == 200:
        result.ok_ms.append(latency)
        if (place := said.rfind(b'"timing_ms":')) >= 0:  # other servers do not tell
            timing = json.loads(said[place + 12 : -1])
            result.stages.append([timing[stage] for stage in STAGES])
    else:
        result.refused_ms.append(latency)
        result.without_retry_after += status in (429, 503) and b"retry-after:" not in headers


async def open_loop(address: str, texts: list[str], per_second: float, seconds: float, seed: int) -> Result:
    """Searches at moments of their own, `per_second` on average."""
    rng, result, connections = np.random.default_rng(seed), Result(), Connections(address)
    start, cpu = time.perf_counter(), time.process_time()
    moment, tasks, n = start, set(), 0
    while True:
        moment += rng.exponential(1 / per_second)
        if moment - start > seconds:
            break
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif n % 50 == 0:
            await asyncio.sleep(0)
        task = asyncio.create_task(one(connections, texts[n % len(texts)], moment, result))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        n += 1
    await asyncio.gather(*tasks)
    result.seconds, result.cpu_s = time.perf_counter() - start, time.process_time() - cpu
    connections.close()
    return result


async def closed_loop(address: str, texts: list[str], clients: int, seconds: float) -> Result:
    """Clients that ask again as soon as they are answered: how much the server can do."""
    result, connections = Result(), Connections(address)
    start, cpu = time.perf_counter(), time.process_time()

    async def client(first: int) -> None:
        n = first
        while time.perf_counter() - start < seconds:
            await one(connections, texts[n % len(texts)], time.perf_counter(), result)
            n += clients

    await asyncio.gather(*(client(n) for n in range(clients)))
    result.seconds, result.cpu_s = time.perf_counter() - start, time.process_time() - cpu
    connections.close()
    return result


async def each_once(address: str, texts: list[str]) -> Result:
    """All texts, one after the other, so that their vectors and words are kept."""
    result, connections, start = Result(), Connections(address), time.perf_counter()
    for text in texts:
        await one(connections, text, time.perf_counter(), result)
    result.seconds = time.perf_counter() - start
    connections.close()
    return result


async def recovery(address: str, text: str, limit_ms: float) -> Result:
    """Asks once every tenth of a second until five in a row are answered within the limit; at most 30 s."""
    result, connections, good = Result(), Connections(address), 0
    start = time.perf_counter()
    while good < 5 and time.perf_counter() - start < 30:
        before = len(result.ok_ms)
        await one(connections, text, time.perf_counter(), result)
        good = good + 1 if len(result.ok_ms) > before and result.ok_ms[-1] <= limit_ms else 0
        await asyncio.sleep(0.1)
    result.seconds = time.perf_counter() - start - 5 * 0.1
    connections.close()
    return result


def _generate(kind: str, arguments: tuple[Any, ...], back: Any) -> None:
    loops = {"once": each_once, "open": open_loop, "closed": closed_loop, "recovery": recovery}
    back.send(asyncio.run(loops[kind](*arguments)))


def generated(kind: str, *arguments: Any) -> Result:
    """Run a generator in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(False)
    process = context.Process(target=_generate, args=(kind, arguments, theirs))
    process.start()
    result: Result = ours.recv()
    process.join()
    return result


class Served:
    """A server that prints its address when it is up, and what it uses; `sherd serve` if no other is given."""

    def __init__(self, library: Path, command: list[str] | None = None) -> None:
        ours = ["-c", "import sherd.cli; sherd.cli.main()", "serve", "--library", str(library), "--port", "0"]
        self.process = subprocess.Popen(command or [sys.executable, *ours], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip().rstrip("/")
        self._told = psutil.Process(self.process.pid)

    def cpu_s(self) -> float:
        times = self._told.cpu_times()
        return float(times.user + times.system)

    def rss_mib(self) -> float:
        return float(self._told.memory_info().rss) / 2**20

    def health(self) -> tuple[int, float]:
        """Status of /health/ready, and after how many milliseconds it came; 0 for none."""
        start = time.perf_counter()
        try:
            with urlopen(f"{self.address}/health/ready", timeout=30) as answer:
                status = int(answer.status)
        except HTTPError as error:
            status = error.code
        except OSError:
            status = 0
        return status, round(1e3 * (time.perf_counter() - start), 1)

    def close(self) -> int:
        self.process.terminate()
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def measured(served: Served, name: str, kind: str, *arguments: Any) -> dict[str, Any]:
    """One row: what the generator saw and what the server used."""
    cpu, rss = served.cpu_s(), served.rss_mib()
    result = generated(kind, served.address, *arguments)
    used = served.cpu_s() - cpu
    row: dict[str, Any] = {
        "row": name,
        "offered_per_s": round(sum(result.statuses.values()) / result.seconds, 1),
        "answered_per_s": round(len(result.ok_ms) / result.seconds, 1),
        "statuses": result.statuses,
        "p50_ms": _at(result.ok_ms, 50),
        "p99_ms": _at(result.ok_ms, 99),
        "refused_p50_ms": _at(result.refused_ms, 50),
        "refused_p99_ms": _at(result.refused_ms, 99),
        "without_retry_after": result.without_retry_after,
        "generator_late_p99_ms": _at(result.late_ms, 99),
        "server_cores": round(used / result.seconds, 2),
        "generator_cores": round(result.cpu_s / result.seconds, 2),
        "rss_mib": [round(rss), round(served.rss_mib())],
        "seconds": round(result.seconds, 1),
    }
    stages = np.asarray(result.stages).reshape(-1, len(STAGES))
    row["stages_ms"] = {
        stage: {"p50": _at(stages[:, n].tolist(), 50), "p99": _at(stages[:, n].tolist(), 99)}
        for n, stage in enumerate(STAGES)
    }
    shown = "  ".join(f"{key} {row[key]}" for key in ("offered_per_s", "answered_per_s", "p50_ms", "p99_ms"))
    refused = f"  refused p99 {row['refused_p99_ms']}" if result.refused_ms else ""
    print(
        f"{name:<28}{shown}{refused}  cores {row['server_cores']} + {row['generator_cores']}  {result.statuses}",
        flush=True,
    )
    return row


def _at(values: list[float], percentile: float) -> float | None:
    return round(float(np.percentile(values, percentile)), 1) if values else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each row of 1, 8 and 32 clients")
    parser.add_argument("--overload", type=float, default=60.0, help="seconds at 3 and at 10 times the capacity")
    parser.add_argument("--long", type=float, default=300.0, help="seconds at half the capacity; 0 for none")
    parser.add_argument("--folder", type=Path, help="where the library is made, and kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        library = make_large_library(given.folder or Path(temporary), given.records)
        kept, new = texts_of(library, _KEPT_TEXTS), texts_of(library, 3_000, seed=2)
        start = time.monotonic()
        served = Served(library)
        print(f"the server is up after {time.monotonic() - start:.1f} s, {served.rss_mib():.0f} MiB", flush=True)
        memory = {"start": round(served.rss_mib())}
        try:
            rows = _rows(served, kept, new, given, memory)
            memory["end"] = round(served.rss_mib())
            print("memory in MiB: " + ", ".join(f"{when} {mib}" for when, mib in memory.items()), flush=True)
        finally:
            with suppress(ProcessLookupError):
                code = served.close()
    print(write(f"server-load-{given.records}", "what does a server bear?", {
        "records": given.records, "library": "rendered relics, multiplied with noise; built-in model",
        "client": "one search a second on average, open loop", "rows": rows, "memory_mib": memory,
        "exit_code": code,
    }))  # fmt: skip


def _rows(
    served: Served, kept: list[str], new: list[str], given: argparse.Namespace, memory: dict[str, int]
) -> list[dict[str, Any]]:
    seconds, overload = given.seconds, given.overload
    rows, taken = [measured(served, "each text for the first time", "once", kept)], 0
    for clients in CLIENTS:
        rows.append(measured(served, f"{clients} clients, vectors kept", "open", kept, clients, seconds, clients))
        some = [f"{text} {n}" for n, text in enumerate(new[taken:] + new[:taken])]
        rows.append(measured(served, f"{clients} clients, new texts", "open", some, clients, seconds, clients))
        taken += int(clients * seconds)
    memory["after the rows of clients"] = round(served.rss_mib())
    capacity = measured(served, "capacity (closed loop, 8)", "closed", kept, 8, seconds)
    rows.append(capacity)
    peak = capacity["answered_per_s"]
    for times in (3, 10):
        rows.append(measured(served, f"{times} x capacity", "open", kept, times * peak, overload, times))
        over = time.monotonic()
        rows[-1]["goodput_share"] = round(rows[-1]["answered_per_s"] / peak, 3)
        limit = 3 * max(float(capacity["p50_ms"]), 50.0)
        again = measured(served, f"after {times} x: well again", "recovery", kept[0], limit)
        again["well_again_after_s"] = again["seconds"]
        rows.append(again)
        time.sleep(max(over + 5 - time.monotonic(), 0))
        again["health_after_5_s"] = dict(zip(("status", "ms"), served.health(), strict=True))
        print(
            f"    goodput {rows[-2]['goodput_share']:.0%} of the peak; well again after {again['seconds']} s; "
            f"health after 5 s: {again['health_after_5_s']}",
            flush=True,
        )
    memory["after overload"] = round(served.rss_mib())
    if given.long:
        # every text new, so that all that is kept gives way again and again
        some = [f"{text} {n}" for n, text in enumerate(new * 10)]
        rows.append(measured(served, "half the capacity, for long", "open", kept, peak / 2, given.long, 5))
        rows.append(measured(served, "new texts, for long", "open", some, peak / 10, given.long, 6))
    return rows


if __name__ == "__main__":
    main()
