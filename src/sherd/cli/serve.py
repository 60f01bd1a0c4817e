"""`sherd serve` and `sherd serve token`: a library on the web."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sherd.server.auth import Tokens

app = typer.Typer(invoke_without_command=True, no_args_is_help=False, rich_markup_mode=None)
token_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(token_app, name="token", help="Tokens, which a server that listens beyond this machine needs.")

LIBRARY = typer.Option(..., "--library", help="Folder of the library.")
JSON = typer.Option(False, "--json", help="Print JSON.")


@app.callback()
def serve(
    context: typer.Context,
    library: Path | None = typer.Option(None, "--library", help="Folder of the library."),
    host: str = typer.Option("127.0.0.1", "--host", help="Where to listen; beyond this machine tokens are needed."),
    port: int = typer.Option(8765, "--port", min=0, max=65535, help="0 takes a free one."),
    name: list[str] = typer.Option([], "--name", help="A host name that browsers may call the server by."),
    ingest: list[Path] = typer.Option([], "--ingest", metavar="DIR", help="A folder that admins may ingest from."),
    public_url: str = typer.Option("", "--public-url", metavar="URL", help="Where others reach the server."),
    title: str = typer.Option("Sherd collection", "--title", help="Of the collection, for IIIF viewers."),
    origin: list[str] = typer.Option([], "--origin", help="A site whose pages may read by IIIF; '*' means all."),
    tokens: bool = typer.Option(False, "--tokens", help="Need a token on this machine too."),
    open_reading: bool = typer.Option(
        False, "--open-reading", help="Let everybody search and look without a token; all else needs one."
    ),
) -> None:
    """Serve a library: the search page at /, the API under /api/v1."""
    if context.invoked_subcommand is not None:
        return
    if library is None:
        raise typer.BadParameter("give the folder of the library: --library DIR")
    from sherd.server.running import serve as run
    from sherd.server.settings import ServerSettings

    settings = ServerSettings(
        host=host, names=tuple(name), ingest_roots=tuple(ingest), public_url=public_url, title=title,
        origins=tuple(origin), open_reading=open_reading,
    )  # fmt: skip
    run(library, settings, port=port, tokens=tokens)


@token_app.command("add")
def add(
    name: str = typer.Argument(metavar="NAME", help="Whose it is; decisions bear this name."),
    library: Path = LIBRARY,
    role: str = typer.Option("reader", "--role", help="reader, curator (decides) or admin (ingests too)."),
    as_json: bool = JSON,
) -> None:
    """Make a token. It is shown this once, and kept only as a hash."""
    from sherd.errors import InvalidArgument
    from sherd.server.auth import TOKEN_ROLES, Role

    if role not in TOKEN_ROLES:
        raise InvalidArgument(f"role {role!r}: give {', '.join(TOKEN_ROLES)}")
    token, secret = _tokens(library).add(name, Role(role))
    if as_json:
        print(json.dumps({"number": token.number, "name": name, "role": role, "token": secret}, ensure_ascii=False))
        return
    print(secret)
    typer.echo(f"sherd: token {token.number} of {name} ({role}); it is not shown again", err=True)


@token_app.command("list")
def list_(library: Path = LIBRARY, as_json: bool = JSON) -> None:
    """Who has tokens."""
    for one in _tokens(library).all():
        if as_json:
            said = {"number": one.number, "name": one.name, "role": one.role, "made": one.made}
            print(json.dumps(said, ensure_ascii=False))
        else:
            print(f"{one.number}  {one.role:8} {one.made}  {one.name}")


@token_app.command("revoke")
def revoke(
    token: str = typer.Argument(metavar="TOKEN", help="Its number or its name, as `token list` tells them."),
    library: Path = LIBRARY,
) -> None:
    """Take a token away, at once."""
    gone = _tokens(library).revoke(token)
    print(f"{gone.number} of {gone.name} is revoked")


def _tokens(library: Path) -> Tokens:
    from sherd.ingest.library import Library
    from sherd.server.auth import TOKENS, Tokens

    with Library.open(library):  # tells when it is none
        return Tokens(library / TOKENS)
