"""Parses the output of TFLite's benchmark_model.

Its lines come from tensorflow/lite/tools/benchmark and tools/delegates. Newer builds write "INFO: "
before them and add p5, median and p95; older ones do not say how many operations a delegate took.
"""

import re

_NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
_FIELD = re.compile(rf"(\w+)=({_NUMBER})")
_SUMMARY = re.compile(
    rf"Inference timings in us: Init: ({_NUMBER}), First inference: ({_NUMBER}), "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): ({_NUMBER})"
)
_MEMORY = re.compile(rf"[Mm]emory footprint.*\(MB\): init={_NUMBER} overall=({_NUMBER})")
_REPLACED = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w+)\)")
_SIGNALS = {132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 137: "SIGKILL", 139: "SIGSEGV"}
# What the tool's sentences call a delegate, and what the name of its node in the graph contains.
DELEGATES = {"cpu": ("XNNPACK", "XNNPack"), "gpu": ("GPU", "Gpu"), "nnapi": ("NNAPI", "Nnapi")}


def parse(text, where):
    """Reads the figures of one run.

    The tool does not fail if a delegate leaves the whole model to the CPU, and would report the
    CPU's times. Such a run counts as failed.

    Args:
        text: output of the tool, then a line `exit=STATUS`.
        where: "cpu", "gpu" or "nnapi".

    Returns:
        A dictionary with milliseconds, MB, the number of runs, and the result of `delegated`. If
        the run failed, its only key is "error".
    """
    failure, summary = _failure(text, where), _SUMMARY.search(text)
    if failure or not summary:
        return {"error": failure or f"no timings in what benchmark_model printed{_reason(text)}"}
    init, first, average = (float(number) / 1000 for number in summary.groups())
    counts = [line for line in text.splitlines() if "count=" in line and "curr=" in line]
    fields = dict(_FIELD.findall(counts[-1])) if counts else {}  # the first are of the warm-up
    percentiles = {
        f"{name}_ms": float(fields[name]) / 1000 if name in fields else None
        for name in ("p5", "median", "p95")
    }
    memory = _MEMORY.search(text)
    return {
        "avg_ms": average,
        **percentiles,
        "first_ms": first,
        "init_ms": init,
        "runs": int(fields["count"]) if "count" in fields else None,
        "memory_mb": float(memory.group(1)) if memory else None,
        "delegated": delegated(text, where),
    }


def delegated(text, where):
    """Operations that the delegate runs: "58 of 59", "all", "some", "none"; None if unknown."""
    name, node = DELEGATES[where]
    for replaced, total, delegate in _REPLACED.findall(text):
        if node in delegate:
            return f"{replaced} of {total}"
    for words, answer in (
        ("will be completely executed", "all"),
        ("will be partially executed", "some"),
        ("will not be executed", "none"),
    ):
        if re.search(rf"{name} delegate.*{words}", text):
            return answer
    return None


def accelerators(text):
    """Names of the NNAPI accelerators in the output."""
    found = re.search(r"NNAPI accelerators available: \[(.*?)\]", text)
    return [name for name in found.group(1).split(",") if name] if found else []


def _failure(text, where):
    """The reason why the times are not those of the delegate, or None."""
    name = DELEGATES[where][0]
    status = re.search(r"^exit=(\d+)\s*$", text, re.M)
    if status is None:
        return "benchmark_model did not come to its end"
    if f"{name} acceleration is unsupported on this platform" in text:
        return f"{name} is not on this device"
    share, code = delegated(text, where), int(status.group(1))
    if code in _SIGNALS:
        return f"benchmark_model crashed ({_SIGNALS[code]})"
    if code or "Benchmarking failed" in text:
        return f"benchmark_model failed{_reason(text) or f' with exit status {code}'}"
    if where != "cpu" and share in (None, "none"):
        # A build without the delegate ignores the option.
        done = "took none of the operations" if share else "is not named: the build may lack it"
        return f"{name} {done}; the CPU ran the model"
    return None


def _reason(text):
    """The first two errors in the output, otherwise its last line."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("exit=")]
    errors = [line for line in lines if line.startswith("ERROR") or "Failed to" in line]
    said = [re.sub(r"^(ERROR|INFO|WARN\w*): ", "", line) for line in errors[:2] or lines[-1:]]
    return f": {'; '.join(said)}" if said else ""
