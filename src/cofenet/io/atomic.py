"""Files appear under their final name whole, or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cofenet.errors import UnwritableError


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it, so that `path` is never seen half written.

    The file beside is called `.cofenet-<16 hexadecimal digits>.part`; only a killed process leaves one behind, and it
    may be deleted. Missing parent folders are made.

    Args:
        path: the final name; a file of that name is replaced.
        content: the whole file.

    Raises:
        UnwritableError: the folder or the file cannot be written, or the disk is full.
    """
    beside = path.with_name(f".cofenet-{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Mode "x" creates the file with the permissions of any new file; tempfile would make it private.
            with beside.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnwritableError(f"cannot be written: {(error.strerror or str(error)).lower()}", path) from error
