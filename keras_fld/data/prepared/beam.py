"""Writes the shards of a preparation with the workers of an Apache Beam runner.

Jobs and results are files in the preparation's folder. The runner only receives the names of the
job files and their SHA-256, so the pipeline is small for any number of faces. Every worker must see
the folder and the photographs under the same path.
"""

import hashlib
import json
import pickle
from pathlib import Path

import cv2

from keras_fld._internal.extras import load
from keras_fld._internal.files import replacing, write_json
from keras_fld.data.prepared.jobs import packed, work

# Beam's own default runner first tries to download a program.
_HERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def run_on_beam(jobs, processes, options):
    """Runs the jobs with Apache Beam.

    Args:
        jobs: a list of `Job`.
        processes: number of processes of Beam's local runner.
        options: Beam's command-line options, such as "--runner=FlinkRunner"; without a runner,
            Beam's local runner is used.

    Yields:
        Each job with its shard's record, after all jobs are done.

    Raises:
        ImportError: Apache Beam is not installed.
        ValueError: a photograph cannot be read (the other shards are written nevertheless), a job
            cannot be sent, or a worker does not see the folder.
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
        cv2.setNumThreads(threads)  # a worker of the local runner is this process
        for file in files:
            file.unlink(missing_ok=True)


def write(sent):
    """Runs the job in a file, in a worker. Errors are written to the job's sidecar file.

    Args:
        sent: path of the job file, and its SHA-256. Other files must not be unpickled, because
            unpickling can run any code.

    Raises:
        ValueError: the file is missing or has changed.
    """
    cv2.setNumThreads(1)  # Beam uses a worker for each processor
    file, digest = Path(sent[0]), sent[1]
    if not file.is_file():
        raise ValueError(f"{file.parent}: every worker must see this folder under the same path")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{file}: a job file must not change after it was sent")
    job = pickle.loads(content)
    try:
        work(job)
    except ValueError as error:
        # If it were raised here, Beam would try again and cancel the other workers' jobs.
        write_json(job.sidecar, {"error": str(error)})


def _job_file(job):
    # With the prefix of temporary files, which the next preparation removes.
    return job.path.with_name(f".unfinished.{job.path.stem}.job")


def _record(job):
    """Reads the worker's record of a job's shard."""
    if not job.sidecar.is_file():
        if job.record is None:
            raise ValueError(f"{job.sidecar}: written by a worker, but missing on this machine")
        return job.record  # of a finished preparation with a complete shard
    record = json.loads(job.sidecar.read_text("utf-8"))
    if "error" in record:
        raise ValueError(record["error"])
    return record
