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
from pathlib import Path

from tests.mutation.trial import ROOT, killed, reach

NOTES = ROOT / "build/mutation/killed"
SURVIVORS = Path(__file__).with_name("survivors.toml")
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
    for name in [*WARM, *settings["warm"]]:
        __import__(name)
    counts, open_ones = {}, []
    for group in settings["groups"]:
        modules = [m for m in _modules(group["modules"]) if _chosen(m, options.paths)]
        if modules:
            _group(modules, group["tests"], settings["operators"], counts, open_ones)
    if options.json:
        _write(options.json, counts)
    for text in open_ones:
        print(text)
    sys.exit(bool(open_ones))


def _write(path, counts):
    """Writes the counts; modules that were not run keep those of the run before."""
    before = json.loads(path.read_text())["modules"] if path.exists() else {}
    modules = dict(sorted({**before, **counts}.items()))
    total = sum(map(Counter, modules.values()), Counter())
    content = {name: total[name] for name in ("mutants", "killed", "explained", "survived")}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "modules": modules}, indent=1) + "\n")


def _modules(patterns):
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def _chosen(module, paths):
    return not paths or any(Path(module).is_relative_to(path) for path in paths)


def explained():
    """The survivors that are explained: module to {(line, mutant): why}."""
    found = {}
    for entry in tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", []):
        found.setdefault(entry["module"], {})[entry["line"], entry["mutant"]] = entry["why"]
    return found


def _group(modules, tests, operators, counts, open_ones):
    from tests.mutation.mutants import mutants

    print(f"{' '.join(tests)}:", flush=True)
    known = reach(modules, tests, 600)
    limit = int(3 * known["used"] + 10)
    for module in modules:
        source = (ROOT / module).read_text("utf-8")
        notes = NOTES / f"{hashlib.sha256((module + source).encode()).hexdigest()}.json"
        dead = json.loads(notes.read_text()) if notes.exists() else []
        reasons = explained().get(module, {})
        count, unneeded = Counter(), set(reasons)
        for mutant in mutants(source, operators):
            name, change = f"{mutant.number}: {mutant.change}", (mutant.line, mutant.mutant)
            count["mutants"] += 1
            reaching = _reaching(known["lines"][module], mutant.number, known["seconds"])
            if name in dead or killed(
                module, mutant.source, tests, reaching, known["seconds"], limit
            ):
                count["killed"] += 1
                if name not in dead:
                    dead.append(name)
                    notes.parent.mkdir(parents=True, exist_ok=True)
                    notes.write_text(json.dumps(dead))
            elif change in reasons:
                count["explained"] += 1
                unneeded.discard(change)
            else:
                count["survived"] += 1
                open_ones.append(f"survived: {module}:{name}")
                print(f"  {name}", flush=True)
        open_ones += [f"explained, but killed or gone: {module}: {a}  ->  {b}" for a, b in unneeded]
        if count:
            counts[module] = dict(count)
        print(f"{module}: {dict(count)}", flush=True)


def _reaching(lines, number, seconds):
    """The ids of the tests that run a line; all of them if it runs on import."""
    contexts = set(lines.get(str(number), [""]))
    if "" in contexts:
        return set(seconds)
    files = {context.removeprefix("file:") for context in contexts if context.startswith("file:")}
    return {test for test in seconds if test in contexts or test.partition("::")[0] in files}


if __name__ == "__main__":
    main()
