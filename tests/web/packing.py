"""Packs the npm package."""

import shutil
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tflite" / "apps" / "js"
NPM = shutil.which("npm")


def pack(folder):
    """Runs `npm pack` on a copy of the sources in a folder; what its archive contains."""
    ignore = shutil.ignore_patterns("modules", "blazeface", "node_modules", "LICENSE", "*.tgz")
    copy = shutil.copytree(SOURCE, folder / "tflite" / "apps" / "js", ignore=ignore)
    for name in ("web/page", "predict/detectors"):
        target = folder / "keras_fld" / name
        shutil.copytree(
            ROOT / "keras_fld" / name, target, ignore=shutil.ignore_patterns("litert", "*.py*")
        )
    shutil.copy(ROOT / "LICENSE", folder)
    command = [NPM, "pack", "--offline", "--json", f"--cache={folder / 'cache'}"]
    result = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (archive,) = copy.glob("*.tgz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / "package"
