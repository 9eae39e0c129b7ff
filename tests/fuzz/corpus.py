"""Inputs by which fuzzing came to code that no other input had reached, kept for the next time.

    python tests/fuzz/corpus.py build/fuzz     # adds the shortest of a run's to corpus.zip

Each reader reads them in the tests, and `fuzz.py` starts from them.
"""

import sys
import zipfile
from pathlib import Path

ARCHIVE = Path(__file__).with_name("corpus.zip")
# Of one reader: the shortest, which say the most, and none that is large.
MOST, LARGEST = 60, 4096
# What `fuzz.py` starts from, and what libFuzzer calls faults, which belong into cases/.
_OTHERS = ("seed", "crash-", "timeout-", "oom-", "leak-", "slow-unit-")
# A time for all, so that the same inputs are the same archive.
_DATE = (2026, 1, 1, 0, 0, 0)


def kept(key, archive=ARCHIVE):
    """A reader's inputs: name to bytes."""
    with zipfile.ZipFile(archive) as found:
        names = sorted(name for name in found.namelist() if name.startswith(f"{key}/"))
        return {name: found.read(name) for name in names}


def add(folder, archive=ARCHIVE):
    """Adds what a run of `fuzz.py` has found.

    Args:
        folder: its `--corpus`, a folder for each reader.
        archive: where to.
    """
    everything = {}
    for reader in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        contents = set(kept(reader.name, archive).values()) if archive.exists() else set()
        found = (path for path in reader.iterdir() if not path.name.startswith(_OTHERS))
        contents |= {path.read_bytes() for path in found}
        fitting = sorted((x for x in contents if 0 < len(x) <= LARGEST), key=lambda x: (len(x), x))
        for number, content in enumerate(fitting[:MOST]):
            everything[f"{reader.name}/{number:02}"] = content
    if archive.exists():
        with zipfile.ZipFile(archive) as before:
            ran = {name.partition("/")[0] for name in everything}
            for name in before.namelist():
                if name.partition("/")[0] not in ran:
                    everything[name] = before.read(name)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name in sorted(everything):
            new.writestr(zipfile.ZipInfo(name, _DATE), everything[name], zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/fuzz/corpus.py FOLDER")
    add(sys.argv[1])
