"""One run from beginning to end: what `cofenet run` does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from cofenet.batch.drive import Count, Drive
from cofenet.batch.engine import Engine
from cofenet.batch.job import Job, parse
from cofenet.batch.ledger import Ledger
from cofenet.batch.places import real
from cofenet.batch.pool import Pool, check_memory
from cofenet.batch.report import write_report
from cofenet.batch.sources import Cohort, read_cohort
from cofenet.batch.storage import Folder, Storage, is_local, local_path, make_folder, open_storage
from cofenet.batch.work import Workplace
from cofenet.engine.card import verified_weights
from cofenet.engine.threads import available
from cofenet.errors import UnwritableError, UsageError

LEDGER = "ledger.sqlite"
_SHARDS = re.compile(r"ledger-\d+-of-\d+\.sqlite")


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        source: see `cofenet.batch.sources.read_cohort`.
        destination: a folder, or a bucket's URL.
        do: see `cofenet.batch.job.parse`.
        workers: processes; None for one a processor.
        engine: who does the work.
        scheduler: address of a Dask scheduler; None starts a cluster.
        shard: which part of how many, from 1; None for all.
        resume: go on with what is in the destination.
        retry: try photographs again that failed by themselves.
        ledger: folder of the ledger while the run goes on; None for the destination.
        memory: bytes a worker may take beyond its models; None for no bound.
    """

    source: str
    destination: str
    do: str
    workers: int | None = None
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    shard: tuple[int, int] | None = None
    resume: bool = False
    retry: bool = False
    ledger: Path | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Done:
    """How a run ended.

    Attributes:
        count: of photographs.
        ledger: where it is.
        report: names of its files in the destination; empty for a shard, which has none.
    """

    count: Count
    ledger: Path
    report: list[str]


def run(
    request: Request,
    tell: Callable[[Count], None] = lambda _: None,
    failed: Callable[[str, str], None] = lambda *_: None,
) -> Done:
    """Do a run, or the rest of one.

    Args:
        request: what is asked for.
        tell: called whenever a photograph is done.
        failed: called with each photograph that failed, now or before, and why.

    Raises:
        UsageError: the request makes no sense; also if there are results already and `resume` is not asked for.
        UnwritableError: the disk is full, or the ledger or report cannot be written.
        ModelError, ParameterError: what the steps need is missing.
    """
    _check(request)
    job = parse(request.do)
    for name in {name for step in job for name in step.verb.models()}:
        verified_weights(name)
    storage = open_storage(request.destination)
    path = _ledger(request, storage)
    cohort = read_cohort(request.source, leave_out=storage.path if isinstance(storage, Folder) else None)
    _refuse_sources(job, cohort, storage)
    make_folder(storage)
    cohort = cohort.shard(*request.shard) if request.shard else cohort
    with closing(Ledger(path)) as ledger:
        if not request.shard:
            for shard in _shards(path.parent):
                ledger.absorb(shard)
        name = path.stem
        storage.clean(name)
        drive = Drive(job, cohort, ledger, storage, retry=request.retry, tell=tell, failed=failed)
        try:
            count = drive.run(lambda: _engine(request, Workplace(job, storage.url, name, 1)))
            report = [] if request.shard else write_report(job, cohort, ledger, storage, name)
        finally:
            storage.clean(name)
    _bring(path, storage)
    return Done(count, path, report)


def _check(request: Request) -> None:
    if request.workers is not None and request.workers < 1:
        raise UsageError(f"--workers must be at least 1, got {request.workers}")
    if request.scheduler and request.engine != "dask":
        raise UsageError("--scheduler is for --engine dask")
    if request.memory and request.engine == "dask":
        raise UsageError("--memory is for the local engine; Dask's workers have --memory-limit of their own")
    if request.shard and not 1 <= request.shard[0] <= request.shard[1]:
        raise UsageError(f"--shard must be from 1/n to n/n, got {'/'.join(map(str, request.shard))}")
    check_memory(request.memory)


def _ledger(request: Request, storage: Storage) -> Path:
    """Where the ledger is; what other runs left in the bucket is fetched.

    Raises:
        UsageError: it is not clear where, or there is one and the run is not to be resumed.
    """
    folder = request.ledger or (storage.path if isinstance(storage, Folder) else None)
    if folder is None:
        raise UsageError(f"{request.destination}: say by --ledger DIR where on this computer the ledger is to be kept")
    folder = folder.absolute()
    name = "ledger-{}-of-{}.sqlite".format(*request.shard) if request.shard else LEDGER
    before = {name, *_shard_names(storage)} if not request.shard else {name}
    if not _is_in(folder, storage):
        there = storage.sizes()
        for other in sorted(before & there.keys()):
            if not (folder / other).exists():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(storage.fetch(other, folder / ".fetched"), folder / other)
        shutil.rmtree(folder / ".fetched", ignore_errors=True)
    if not request.resume and any((folder / other).exists() for other in before):
        raise UsageError(f"{request.destination}: has results of an earlier run; go on with it by --resume")
    return folder / name


def _shard_names(storage: Storage) -> Iterator[str]:
    if isinstance(storage, Folder):
        return (path.name for path in _shards(storage.path))
    return (name for name in storage.sizes() if _SHARDS.fullmatch(name))


def _shards(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _SHARDS.fullmatch(path.name)) if folder.is_dir() else []


def _is_in(folder: Path, storage: Storage) -> bool:
    return isinstance(storage, Folder) and folder == storage.path


def _bring(path: Path, storage: Storage) -> None:
    """Put a copy of a ledger that is kept elsewhere beside the results."""
    if _is_in(path.parent, storage):
        return
    with storage.scratch(path.stem) as scratch:
        try:
            copy = Path(shutil.copyfile(path, scratch / path.name))
        except OSError as error:
            raise UnwritableError(f"the ledger cannot be copied: {error}", path) from error
        storage.publish(copy, path.name)
    storage.clean(path.stem)


def _refuse_sources(job: Job, cohort: Cohort, storage: Storage) -> None:
    """A source is never overwritten: none may lie where results go.

    Raises:
        UsageError: one does.
    """
    root = real(Path(storage.url)) if is_local(storage.url) else storage.url
    taken = tuple(f"{root}/{step.folder}/" for step in job if step.folder)
    folder = cache(os.path.realpath)  # following links is slow; many photographs lie in one folder
    for one in cohort.photographs:
        place = one.url
        if is_local(place):
            path = str(local_path(place))
            parent, name = os.path.split(path)
            place = os.path.realpath(path) if os.path.islink(path) else f"{folder(parent)}/{name}"  # noqa: PTH114
        if place.startswith(taken):
            raise UsageError(f"{one.url}: might be overwritten by a result; choose another destination")


def _engine(request: Request, place: Workplace) -> Engine:
    if request.engine == "dask":
        from cofenet.batch.cluster import Cluster  # noqa: PLC0415 - one computer needs no Dask

        return Cluster(place, request.scheduler, request.workers or available())
    count = request.workers or available()
    shared = Workplace(place.job, place.destination, place.run, max(1, available() // count))
    return Pool(shared, count, request.memory)
