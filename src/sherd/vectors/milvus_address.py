"""Where an index in Milvus lies, and how it is to be built and asked: `milvus://host:port/database?index=HNSW&...`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sherd.errors import InvalidArgument

SCHEME = "milvus://"
_PORT = 19_530
_BUILD: Mapping[str, tuple[str, ...]] = {
    "FLAT": (), "HNSW": ("m", "ef_construction"), "IVF_FLAT": ("nlist",), "IVF_SQ8": ("nlist",),
    "IVF_RABITQ": ("nlist",), "DISKANN": (), "AUTOINDEX": (),
}  # fmt: skip
_CONSISTENCY = ("Strong", "Bounded", "Eventually")


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """One database of a Milvus, or a file of Milvus Lite, and the settings of the indexes in it.

    url: as given. uri: what the client connects to; a path for Milvus Lite.
    index: kind of index. m, ef_construction: of HNSW. nlist: lists of the IVF kinds.
    ef: candidates that HNSW and DISKANN look at, at least. nprobe: lists that the IVF kinds look into.
    consistency: Bounded answers at once from what the server has seen up to some seconds ago; Strong waits for all
        that was written. After its own writes a process always waits once.
    shards: of a new collection.
    answer_s: a server that has not answered a search for so long counts as away; six times as long while writing.
    writer_patience_s: how long an ingest or a reindex waits for a server that is away.
    """

    url: str
    uri: str
    database: str = "default"
    index: str = "HNSW"
    m: int = 16
    ef_construction: int = 200
    ef: int = 200
    nlist: int = 1_024
    nprobe: int = 32
    consistency: str = "Bounded"
    shards: int = 1
    secure: bool = False
    answer_s: float = 10.0
    writer_patience_s: float = 120.0

    def __str__(self) -> str:
        return self.url

    @property
    def is_file(self) -> bool:
        """Whether it is Milvus Lite, in a file of this machine."""
        return not self.uri.startswith("http")

    def build_parameters(self) -> dict[str, int]:
        """What the index is built with, in Milvus's words."""
        names = {"m": "M", "ef_construction": "efConstruction", "nlist": "nlist"}
        return {names[name]: getattr(self, name) for name in _BUILD[self.index]}

    def search_parameters(self, limit: int) -> dict[str, Any]:
        """What it is searched with for `limit` hits."""
        if self.index == "HNSW":
            return {"ef": max(self.ef, limit)}
        if self.index == "DISKANN":
            return {"search_list": max(self.ef, limit)}
        return {"nprobe": min(self.nprobe, self.nlist)} if self.index.startswith("IVF") else {}


def parse_milvus(url: str) -> MilvusAddress:
    """The address in `milvus://host[:port][/database][?index=...]`, or `milvus:///path/of/file.db` of Milvus Lite.

    Raises:
        InvalidArgument: it is none, has a password in it, an unknown option, or an impossible value.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port or _PORT, parts.hostname
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise InvalidArgument(f"the address of the index cannot be read ({error})") from error
    if not url.startswith(SCHEME) or not (host or parts.path.strip("/")):
        raise InvalidArgument(f"{url}: an index elsewhere is milvus://host[:port][/database]")
    if parts.username or parts.password or "token" in options or "password" in options:
        raise InvalidArgument(
            "leave user and password out of the address of the index: they would be seen in the list of processes and "
            "in library.toml. Put user:password into MILVUS_TOKEN"
        )
    values: dict[str, Any] = {name: _value(name, value) for name, value in options.items()}
    if not host:
        return MilvusAddress(url, unquote(parts.path), **values)
    uri = f"{'https' if values.get('secure') else 'http'}://{host}:{port}"
    return MilvusAddress(url, uri, parts.path.strip("/") or "default", **values)


_KINDS = {one.name: one.type for one in fields(MilvusAddress) if one.name not in ("url", "uri", "database")}


def _value(name: str, value: str) -> str | int | float | bool:
    kind = _KINDS.get(name)
    if kind is None:
        raise InvalidArgument(f"the address of the index has no option {name!r}; there are {', '.join(_KINDS)}")
    if kind == "str":
        allowed = tuple(_BUILD) if name == "index" else _CONSISTENCY
        if value not in allowed:
            raise InvalidArgument(f"{name}={value}: give one of {', '.join(allowed)}")
        return value
    if kind == "bool":
        if value not in ("true", "false"):
            raise InvalidArgument(f"{name}={value}: give true or false")
        return value == "true"
    try:
        number = int(value) if kind == "int" else float(value)
    except ValueError:
        number = -1
    if not (number > 0 if kind == "int" else number >= 0) or number > 1_000_000:
        raise InvalidArgument(f"{name}={value}: give a number, {1 if kind == 'int' else 0} to 1000000")
    return number
