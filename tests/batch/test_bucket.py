"""Photographs from a bucket into a bucket that fails now and then."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cofenet.batch.bucket import Bucket, download, listing
from cofenet.errors import UnreadableError, UnwritableError, UsageError

from .conftest import COMMAND, tree

SERVER = Path(__file__).with_name("bucket_server.py")


@pytest.fixture
def memory() -> Iterator[str]:
    """A bucket in memory."""
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    yield "memory://bucket/out"
    MemoryFileSystem.store.clear()


def test_a_bucket_keeps_and_gives_back(memory: str, tmp_path: Path) -> None:
    bucket = Bucket(memory)
    assert bucket.sizes() == {}
    with bucket.scratch("run") as scratch:
        file = scratch / "a"
        file.write_bytes(b"abc")
        assert bucket.publish(file, "sub/a").read_bytes() == b"abc"
    assert not scratch.exists()
    bucket.copy("sub/a", "b")
    assert bucket.sizes() == {"sub/a": 3, "b": 3}
    assert bucket.fetch("b", tmp_path).read_bytes() == b"abc"
    bucket.remove("b")
    bucket.remove("b")
    assert bucket.sizes() == {"sub/a": 3}
    assert set(listing("memory://bucket/out", deep=False)) == set()


def test_what_is_not_there_is_told(memory: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no such file"):
        download(f"{memory}/none", tmp_path / "none")
    with pytest.raises(UnwritableError):
        Bucket(memory).copy("none", "b")
    with pytest.raises(UsageError, match="not into an archive"):
        Bucket("zip://a.zip")
    with pytest.raises(UsageError, match="cannot be opened"):
        Bucket("nothing://bucket")


def test_requests_are_tried_again(memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr("cofenet.batch.bucket._PAUSE", 0)
    bucket, refusals = Bucket(memory), iter([True] * 5 + [False])
    whole = MemoryFileSystem.put_file

    def unsteady(self: object, *words: object, **how: object) -> object:
        if next(refusals):
            raise OSError("503 Slow Down")
        return whole(self, *words, **how)

    monkeypatch.setattr(MemoryFileSystem, "put_file", unsteady)
    (tmp_path / "a").write_bytes(b"abc")
    bucket.publish(tmp_path / "a", "a")
    assert bucket.sizes() == {"a": 3}
    refusals = iter([True] * 6)
    with pytest.raises(UnwritableError, match="503 Slow Down"):
        bucket.publish(tmp_path / "a", "b")


@pytest.fixture
def server() -> Iterator[dict[str, str]]:
    """A server that fails one request in twenty; gives the environment that names it."""
    with subprocess.Popen([sys.executable, SERVER, "20"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        process.kill()


COPY = """
import sys, boto3
from pathlib import Path
client, folder = boto3.client("s3"), Path(sys.argv[2])
if sys.argv[1] == "up":
    client.create_bucket(Bucket="cohort")
    for path in folder.rglob("*.*"):
        client.upload_file(str(path), "cohort", f"photos/{path.relative_to(folder)}")
else:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="cohort", Prefix="out/"):
        for entry in page["Contents"]:
            target = folder / entry["Key"].removeprefix("out/")
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file("cohort", entry["Key"], str(target))
"""


@pytest.mark.slow
def test_from_bucket_to_bucket(photos: Path, server: dict[str, str], tmp_path: Path) -> None:
    environment = os.environ | server

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            list(map(str, words)), check=False, capture_output=True, text=True, env=environment, timeout=120
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stderr

    run(sys.executable, "-c", COPY, "up", photos)
    job = ("--do", "correct", "--workers", "2")
    words = run(*COMMAND, "run", "s3://cohort/photos", "-o", "s3://cohort/out", *job, "--ledger", tmp_path / "a")
    assert "6 photographs, 1 failed" in words
    again = run(
        *COMMAND, "run", "s3://cohort/photos", "-o", "s3://cohort/out", *job, "--ledger", tmp_path / "b", "--resume"
    )
    assert "6 photographs, 6 of them done before, 1 failed" in again
    run(*COMMAND, "run", photos, "-o", tmp_path / "local", *job)
    (tmp_path / "fetched").mkdir()
    run(sys.executable, "-c", COPY, "down", tmp_path / "fetched")
    fetched, local = tree(tmp_path / "fetched"), tree(tmp_path / "local")
    assert fetched.keys() == local.keys()
    assert all(fetched[name] == local[name] for name in local if "/" in name)
    expected = local["report.csv"].replace(str(photos).encode(), b"s3://cohort/photos")
    assert fetched["report.csv"] == expected


def test_an_archive_is_a_source(photos: Path, tmp_path: Path) -> None:
    from cofenet.batch.sources import read_cohort

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in photos.rglob("*.*"):
            archive.write(path, path.relative_to(photos))
    cohort = read_cohort(f"zip://{tmp_path}/photos.zip")
    plain = read_cohort(str(photos))
    assert [one.id for one in cohort.photographs] == [one.id for one in plain.photographs]
    assert [one.size for one in cohort.photographs] == [one.size for one in plain.photographs]
    for one, other in zip(cohort.photographs, plain.photographs, strict=True):
        assert download(one.url, tmp_path / "fetched" / one.name).read_bytes() == Path(other.url).read_bytes()
