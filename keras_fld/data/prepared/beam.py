"""The shards of a preparation, written by the workers of an Apache Beam runner.

The runner is given the names of files and their SHA-256: each job lies in the preparation's
folder, and so does what came of it. So the pipeline stays small for any number of faces, and every
worker must see the folder, and the photographs, under the same path.
"""

import hashlib
import json
import pickle
from pathlib import Path

import cv2

from keras_fld._internal.extras import load
from keras_fld._internal.files import replacing, write_json
from keras_fld.data.prepared.jobs import packed, work

# Beam's own default runner looks for a program to download first.
_HERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def run_on_beam(jobs, processes, options):
    """Does the jobs by Apache Beam.

    Args:
        jobs: a list of `Job`.
        processes: how many of this machine's work at a time, for Beam's local runner.
        options: Beam's options as its command lines have them, such as "--runner=FlinkRunner";
            without one of a runner, Beam's local one works.

    Yields:
        Each job with its shard's record, when all are done.

    Raises:
        ImportError: Apache Beam is not installed.
        ValueError: a photograph cannot be read: the other shards are written nevertheless. Or a
            job cannot be sent, or a worker does not see the folder.
    """
    apache_beam = load("apache_beam", "--beam")
    PipelineOptions = load("apache_beam.options.pipeline_options", "--beam").PipelineOptions
    local = [f"--runner={_HERE}", f"--direct_num_workers={processes}"]
    if processes > 1:
        local.append("--direct_running_mode=multi_processing")
    files = [_job_file(job) for job in jobs]
    threads = cv2.getNumThreads()
    try:
        digests = []
        for job, file in zip(jobs, files, strict=True):
            content = packed(job, "beam must be None")
            job.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as temporary:
                temporary.write_bytes(content)
            digests.append(hashlib.sha256(content).hexdigest())
        with apache_beam.Pipeline(options=PipelineOptions([*local, *options])) as pipeline:
            (
                pipeline
                | "Shards" >> apache_beam.Create([*zip(map(str, files), digests, strict=True)])
                | "To all workers" >> apache_beam.Reshuffle()
                | "Write" >> apache_beam.Map(write)
            )
        yield from [(job, _record(job)) for job in jobs]
    finally:
        cv2.setNumThreads(threads)  # a local runner's worker is this process
        for file in files:
            file.unlink(missing_ok=True)


def write(sent):
    """What a worker does: the job in a file. What stops it is left in the job's sidecar.

    Args:
        sent: path of the file, and the SHA-256 that it was written with. What else comes to lie in
            the folder must never be unpickled, as that runs what is in it.

    Raises:
        ValueError: the file is not there, or is another one.
    """
    cv2.setNumThreads(1)  # Beam has a worker for each processor
    file, digest = Path(sent[0]), sent[1]
    if not file.is_file():
        raise ValueError(f"{file.parent}: every worker must see this folder under the same path")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{file}: a job must be as it was sent. It was changed since")
    job = pickle.loads(content)
    try:
        work(job)
    except ValueError as error:
        # Raised here it would be tried again, and end the other workers' jobs.
        write_json(job.sidecar, {"error": str(error)})


def _job_file(job):
    # Named as files that a killed process leaves, which the next preparation removes.
    return job.path.with_name(f".unfinished.{job.path.stem}.job")


def _record(job):
    """What a worker left about a job's shard."""
    if not job.sidecar.is_file():
        if job.record is None:
            raise ValueError(f"{job.sidecar}: a worker wrote it, but it is not seen here")
        return job.record  # of a finished preparation, whose shard was whole
    record = json.loads(job.sidecar.read_text("utf-8"))
    if "error" in record:
        raise ValueError(record["error"])
    return record
