"""Copies BlazeFace's files to keras_fld/predict/detectors/blazeface.

    python tflite/blazeface/vendor.py

Needs npm. The files are from @mediapipe/face_detection in the version below. They are unchanged and
checked against SHA256SUMS.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "@mediapipe/face_detection"
VERSION = "0.4.1657300184"
TARGET = Path(__file__).parents[2] / "keras_fld" / "predict" / "detectors" / "blazeface"

# Two of the package's three networks. The sparse full-range one is no faster on a CPU and misses
# more small faces.
SUMS = Path(__file__).with_name("SHA256SUMS")


def checksums():
    """SHA-256 by file of the npm package."""
    lines = SUMS.read_text("utf-8").splitlines()
    return {name: checksum for checksum, name in map(str.split, lines)}


def main():
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"Error: npm is needed to get {PACKAGE}; install Node.js")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "install", "--no-save", "--silent", f"{PACKAGE}@{VERSION}"]
        subprocess.run(command, cwd=folder, check=True)
        for name, checksum in checksums().items():
            content = (Path(folder) / "node_modules" / PACKAGE / name).read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if found != checksum:
                sys.exit(f"Error: {name} must have SHA-256 {checksum}. Got: {found}")
            (TARGET / name).write_bytes(content)
            print(f"{len(content):>9,} {name}")


if __name__ == "__main__":
    main()
