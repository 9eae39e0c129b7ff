"""Fuzzes the readers with atheris, which follows the code's paths to inputs that lead to new ones.

    python tests/fuzz/fuzz.py --seconds 600 --json fuzz.json     # or: make fuzz
    python tests/fuzz/fuzz.py --seconds 30 --jobs 2              # two readers at the same time
    python tests/fuzz/fuzz.py pts --seconds 60

It needs `pip install atheris`. An input that is read wrongly is written to the corpus' folder as
crash-*, and the exit code is 1; `tests/fuzz/cases` keeps such inputs once the reader is mended.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

# The reader of recipes alone needs Keras, and says a lot about it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="target", help="A reader; all without.")
    parser.add_argument("--seconds", type=int, default=60, help="For each reader.")
    parser.add_argument("--jobs", type=int, default=1, help="Readers fuzzed at the same time.")
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"), help="Kept inputs.")
    parser.add_argument("--json", type=Path, help="Where to write what was run and found.")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("needs atheris: pip install atheris")
    if len(options.targets) == 1:
        _one(atheris, options.targets[0], options)
        return
    try:
        _every(options)
    except KeyboardInterrupt:
        sys.exit(130)


def _one(atheris, name, options):
    """Fuzzes a reader in this process, which ends with it."""
    with atheris.instrument_imports(include=["keras_fld"]):
        from tests.fuzz.corpus import kept
        from tests.fuzz.targets import TARGETS
    target, corpus = TARGETS[name], options.corpus / name
    corpus.mkdir(parents=True, exist_ok=True)
    starts = [*target.seeds(), *target.cases(name).values(), *kept(name).values()]
    for number, content in enumerate(starts):
        (corpus / f"seed{number}").write_bytes(content)
    folder = Path(tempfile.mkdtemp())
    target.beside(folder)
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={options.seconds}",
        f"-artifact_prefix={corpus}/",
        "-max_len=20000",
        "-timeout=60",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, lambda data: target.run(data, folder))
    atheris.Fuzz()


def _every(options):
    """Fuzzes several readers, each in a process of its own."""
    from keras_fld._internal.files import write_json
    from tests.fuzz import side_by_side
    from tests.fuzz.targets import TARGETS

    common = ["--seconds", str(options.seconds), "--corpus", str(options.corpus)]
    names = options.targets or list(TARGETS)
    commands = {name: [sys.executable, __file__, name, *common] for name in names}
    found = dict.fromkeys(names)  # in this order, whichever ends first

    def ended(name, exit_code, errors):
        executed = re.search(r"number_of_executed_units: (\d+)", errors)
        faults = sorted(path.name for path in (options.corpus / name).glob("*-*"))
        found[name] = {
            "seconds": options.seconds,
            "executions": int(executed[1]) if executed else None,
            "exit_code": exit_code,
            "faults": len(faults),
        }
        print(f"{name}: {found[name]}", flush=True)
        if exit_code:
            print(errors[-3000:], file=sys.stderr)

    side_by_side.run(commands, options.jobs, ended)
    if options.json:
        words = [*options.targets, "--seconds", options.seconds]
        words += ["--jobs", options.jobs] if options.jobs > 1 else []
        about = {
            "command": f"python tests/fuzz/fuzz.py {' '.join(map(str, words))} --json fuzz.json",
            "executions": sum(entry["executions"] or 0 for entry in found.values()),
            "faults": sum(entry["faults"] for entry in found.values()),
            # Inputs that were once read wrongly, every one of which is read again at the start.
            "cases": sum(len(TARGETS[name].cases(name)) for name in names),
        }
        write_json(options.json, {**about, "readers": found})
    if any(entry["exit_code"] for entry in found.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
