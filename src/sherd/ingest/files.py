"""Opening a file below a root that a stranger named: regular files only, nothing outside, nothing that blocks."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path, PurePosixPath

from sherd.errors import RejectedItem

MAX_PATH_CHARS = 4_000
_SCHEME_OR_DRIVE = re.compile(r"^(?:[a-z]:/|file:|data:|(?:[a-z][a-z0-9+.-]*:)+//)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_READ_BLOCK = 4 * 1024 * 1024


def checked_relative(text: str) -> str:
    """`text` as a plain relative path with forward slashes, or the reason why it is none.

    Percent signs are taken as they are: nothing is decoded.

    Raises:
        RejectedItem: `path_outside_root` for absolute paths, drive letters, addresses (`file:`), network paths and
            `..`; `path_invalid` for what is empty, too long, not UTF-8, or has control characters or backslashes.
    """
    if not text.strip() or len(text) > MAX_PATH_CHARS:
        raise RejectedItem("path_invalid", f"a path has 1 to {MAX_PATH_CHARS} characters, this one {len(text)}")
    if _CONTROL.search(text) or not _is_utf8(text):
        raise RejectedItem("path_invalid", f"{shown(text)} has control characters or is not UTF-8")
    slashed = text.replace("\\", "/")
    parts = slashed.split("/")
    if slashed.startswith("/") or _SCHEME_OR_DRIVE.match(slashed) or ".." in parts:
        raise RejectedItem("path_outside_root", f"{shown(text)} is not a path inside the source folder")
    if "\\" in text:
        raise RejectedItem("path_invalid", f"{shown(text)} has backslashes; write it with forward slashes")
    plain = str(PurePosixPath(text))
    if plain == ".":
        raise RejectedItem("path_invalid", f"{shown(text)} names no file")
    return plain


def shown(text: str, limit: int = 120) -> str:
    """`text` quoted for a message: escaped, so that it cannot forge lines or colours, and cut."""
    cut = text if len(text) <= limit else text[:limit] + "..."
    return ascii(cut) if _CONTROL.search(cut) or not _is_utf8(cut) else f"'{cut}'"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_below(root: Path, relative: str, max_bytes: int) -> bytes:
    """All bytes of the regular file `relative` below `root`.

    No component is followed as a symbolic link unless the whole path, resolved, lies below `root`; the resolved path
    is then walked without following anything, so a link swapped in meanwhile is not followed either.

    Raises:
        RejectedItem: path_invalid, path_outside_root, symlink_loop, file_missing, not_a_file, file_unreadable,
            file_empty or file_too_large.
    """
    plain = checked_relative(relative)
    try:
        try:
            handle = _open_without_links(os.fspath(root), plain.split("/"))
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            handle = _open_without_links(*_resolved_below(root, plain))
        try:
            return _read(handle, plain, max_bytes)
        finally:
            os.close(handle)
    except OSError as error:
        raise _refusal(plain, error) from error


def _open_without_links(root: str, parts: list[str]) -> int:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Looked at before it is opened, for opening a device can already do something; checked again once open.
        kind = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(kind):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not stat.S_ISREG(kind):
            raise RejectedItem("not_a_file", f"{shown('/'.join(parts))} is {_kind_name(kind)}")
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)


def _resolved_below(root: Path, relative: str) -> tuple[str, list[str]]:
    real_root = os.path.realpath(root)
    # strict: a link that leads nowhere is a missing file, and a loop is said to be one.
    real = os.path.realpath(os.path.join(real_root, relative), strict=True)
    if real == real_root or os.path.commonpath([real_root, real]) != real_root:
        raise RejectedItem("path_outside_root", f"{shown(relative)} is a link that leads outside the source folder")
    return real_root, os.path.relpath(real, real_root).split("/")


def _read(handle: int, name: str, max_bytes: int) -> bytes:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise RejectedItem("not_a_file", f"{shown(name)} is {_kind_name(status.st_mode)}")
    if status.st_size > max_bytes:
        raise RejectedItem("file_too_large", f"{shown(name)} has {status.st_size} bytes; the limit is {max_bytes}")
    blocks: list[bytes] = []
    total = 0
    while block := os.read(handle, _READ_BLOCK):
        blocks.append(block)
        total += len(block)
        if total > max_bytes:
            raise RejectedItem("file_too_large", f"{shown(name)} grew past {max_bytes} bytes while it was read")
    if not total:
        raise RejectedItem("file_empty", f"{shown(name)} has no bytes")
    return b"".join(blocks)


def _kind_name(mode: int) -> str:
    named = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in named if test(mode)), "a device")


def _refusal(name: str, error: OSError) -> RejectedItem:
    reasons = {
        errno.ENOENT: ("file_missing", "is not there"),
        errno.ENOTDIR: ("file_missing", "is not there: a part of the path is no folder"),
        errno.ELOOP: ("symlink_loop", "is a link that leads back to itself"),
        errno.ENAMETOOLONG: ("path_invalid", "is too long a name"),
        errno.ENXIO: ("not_a_file", "is no regular file"),
    }
    reason, what = reasons.get(error.errno or 0, ("file_unreadable", f"cannot be read: {error.strerror}"))
    return RejectedItem(reason, f"{shown(name)} {what}")
