"""Changes one place of a module at a time and looks whether a test fails.

    python -m tests.mutation.run                              # or: make mutation
    python -m tests.mutation.run keras_fld/geometry           # these modules only
    python -m tests.mutation.run --fresh --json mutation.json

It needs `pip install cosmic-ray`. `[tool.mutation]` in pyproject.toml names the modules, their
tests and the changes. A run that was stopped goes on where it was: a killed mutant of an unchanged
module is not run again, and a survivor is. The exit code is 1 if a survivor is not in
survivors.toml, or if one in it is killed or gone.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tomllib
from collections import Counter
from functools import partial
from pathlib import Path

from tests.mutation.mutants import mutants
from tests.mutation.survivors import ROOT, explained
from tests.mutation.trial import collect, in_child

NOTES = ROOT / "build/mutation/killed"
# What the modules under test import, loaded once: every mutant's process is forked from this one.
WARM = ("numpy", "cv2", "hypothesis.strategies", "hypothesis.extra.numpy", "pytest", "coverage")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="*", help="Modules or folders; all that are named without.")
    parser.add_argument("--fresh", action="store_true", help="Runs what was killed again, too.")
    parser.add_argument("--json", type=Path, help="Counts of each module, updated.")
    options = parser.parse_args()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutation"]
    if options.fresh:
        shutil.rmtree(NOTES, ignore_errors=True)
    for name in WARM:
        __import__(name)
    open_ones = []
    for group in settings["groups"]:
        modules = [m for m in _modules(group["modules"]) if _chosen(m, options.paths)]
        if modules:
            work = partial(_group, modules, group["tests"], settings["operators"])
            found = in_child(work, shown=True)
            if not isinstance(found, tuple):
                sys.exit(1)
            open_ones += found[1]
            if options.json:
                _write(options.json, found[0])
    for text in open_ones:
        print(text)
    sys.exit(bool(open_ones))


def _write(path, counts):
    """Writes the counts; modules that were not run keep those of the run before."""
    content = json.loads(path.read_text()) if path.exists() else {}
    modules = dict(sorted({**content.pop("modules", {}), **counts}.items()))
    total = sum(map(Counter, modules.values()), Counter())
    content |= {name: total[name] for name in ("mutants", "killed", "explained", "survived")}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "modules": modules}, indent=1) + "\n")


def _modules(patterns):
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def _chosen(module, paths):
    return not paths or any(Path(module).is_relative_to(path) for path in paths)


def _group(modules, tests, operators):
    """The counts and the open survivors of modules that have their tests in common."""
    found = []
    collect(tests, lambda group: found.append(_every(group, modules, operators)))
    return found[0] if found else sys.exit(f"error: no tests in {' '.join(tests)}")


def _every(group, modules, operators):
    counts, open_ones = {}, []
    for module in modules:
        source = (ROOT / module).read_text("utf-8")
        count, survivors = _module(group, module, source, operators, modules)
        if count:
            counts[module] = count
            open_ones += [f"{module}: {text}" for text in survivors]
            print(f"{module}: {count}", flush=True)
    return counts, open_ones


def _module(group, module, source, operators, modules):
    notes = NOTES / f"{hashlib.sha256((module + source).encode()).hexdigest()}.json"
    dead = json.loads(notes.read_text()) if notes.exists() else []
    count, reasons, open_ones = Counter(), dict(explained().get(module, {})), []
    gone, prepared = set(reasons), False
    for mutant in mutants(source, operators):
        name, change = f"{mutant.number}: {mutant.change}", (mutant.line, mutant.mutant)
        count["mutants"] += 1
        again = change not in reasons
        if name not in dead and not prepared:
            group.prepare(modules, module, source)
            prepared = True
        if name in dead or group.killed(module, mutant.source, mutant.number, again):
            count["killed"] += 1
            if name not in dead:
                dead.append(name)
                notes.parent.mkdir(parents=True, exist_ok=True)
                notes.write_text(json.dumps(dead))
        elif change in reasons:
            count["explained"] += 1
            gone.discard(change)
        else:
            count["survived"] += 1
            open_ones.append(f"survived: {name}")
            print(f"  {name}", flush=True)
    open_ones += [f"explained, but killed or gone: {a}  ->  {b}" for a, b in sorted(gone)]
    return dict(count), open_ones


if __name__ == "__main__":
    main()
