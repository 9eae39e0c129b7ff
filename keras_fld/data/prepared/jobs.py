"""The shards of a preparation as jobs, which run in processes on this machine.

`beam` runs them on other machines.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import cv2

from keras_fld._internal.files import read_json, write_json
from keras_fld.data.prepared.shards import summary, write_shard
from keras_fld.geometry.frame import FaceCrop


@dataclass(frozen=True)
class Job:
    """A shard to write, with everything a process needs to know.

    Args:
        split: the split that the shard is part of.
        path: file of the shard.
        faces: its `Face`s.
        frame: the model's `FaceCrop`.
        wide: also store the larger crops for augmentation.
        skip_bad: skip faces whose photograph cannot be read, and list them.
        record: the shard's record in a finished preparation, or None.
        root: folder of the dataset, to which paths in the record are relative.
    """

    split: str
    path: Path
    faces: Sequence
    frame: FaceCrop
    wide: bool
    skip_bad: bool
    record: dict | None
    root: Path | None

    @property
    def sidecar(self):
        """The file with the shard's record, until the manifest is written."""
        return self.path.with_suffix(".json")


def work(job):
    """Writes a job's shard, unless it already exists and is complete.

    Returns:
        The shard's record, see `write_shard`.

    Raises:
        ValueError: a photograph cannot be read, or the shard cannot be written.
    """
    record = job.record
    if job.sidecar.is_file():
        try:
            record = read_json(job.sidecar)
        except ValueError:  # damaged: the shard is written again
            record = None
    if isinstance(record, dict):
        wanted = {key: record.get(key) for key in ("bytes", "sha256")}
        if summary(job.path) == wanted:
            return record
    record = write_shard(job.faces, job.frame, job.path, job.wide, job.skip_bad, job.root)
    write_json(job.sidecar, record)
    return record


def run(jobs, processes):
    """Runs the jobs.

    Args:
        jobs: a list of `Job`.
        processes: number of processes.

    Yields:
        Each job with its shard's record, when it is done.

    Raises:
        ValueError: as in `work`, or a job cannot be sent to another process.
    """
    if processes == 1 or len(jobs) == 1:
        for job in jobs:
            yield job, work(job)
        return
    packed(jobs[0], "processes must be 1")
    # Not forked, because a forked process with threads, such as OpenCV's, may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin_worker) as pool:
        try:
            futures = {pool.submit(work, job): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def packed(job, rule):
    """Pickles a job; raises ValueError with the rule if its faces cannot be pickled."""
    try:
        return pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{rule} for faces that cannot be sent to another process ({error})"
        ) from error


def _begin_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the work
    cv2.setNumThreads(1)
    parent = cast(BaseProcess, multiprocessing.parent_process())

    def watch():
        wait([parent.sentinel])
        os._exit(1)  # the parent was killed

    threading.Thread(target=watch, daemon=True).start()
