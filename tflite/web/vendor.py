"""Copies LiteRT's WebAssembly runtime to keras_fld/web/page/litert: `python tflite/web/vendor.py`.

Needs npm. The files are from @litertjs/core and @litertjs/wasm-utils in the version below, and are
checked against SHA256SUMS. The script compresses the WASM, and changes the import of a package to
that of a file, because browsers cannot resolve packages.
"""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "2.5.3"
TARGET = Path(__file__).parents[2] / "keras_fld" / "web" / "page" / "litert"

# Two of the package's four builds: with relaxed SIMD (int8 dot products), and for browsers without
# it. Threads do not speed up such a small network; JSPI is for accelerators.
SUMS = Path(__file__).with_name("SHA256SUMS")


def checksums():
    """SHA-256 by file of the npm packages."""
    lines = SUMS.read_text("utf-8").splitlines()
    return {name: checksum for checksum, name in map(str.split, lines)}


def main():
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("Error: npm is needed to get @litertjs/core; install Node.js")
    with tempfile.TemporaryDirectory() as folder:
        packages = [f"@litertjs/{name}@{VERSION}" for name in ("core", "wasm-utils")]
        subprocess.run([npm, "install", "--no-save", "--silent", *packages], cwd=folder, check=True)
        sources = Path(folder) / "node_modules" / "@litertjs"
        for name, checksum in checksums().items():
            content = (sources / name).read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if found != checksum:
                sys.exit(f"Error: {name} must have SHA-256 {checksum}. Got: {found}")
            _write(name, content)


def _write(name, content):
    package, _, file = name.split("/")
    if name.endswith(".wasm"):
        # Without time and name, the bytes are reproducible.
        content, file = gzip.compress(content, 9, mtime=0), f"{file}.gz"
    elif package == "core" and file == "index.js":
        content, file = content.replace(b'"@litertjs/wasm-utils"', b'"./wasm-utils.js"'), "core.js"
    elif file == "index.js":
        file = "wasm-utils.js"
    if file.endswith(".js"):
        lines = content.splitlines(keepends=True)
        content = b"".join(line for line in lines if not line.startswith(b"//# sourceMappingURL"))
    (TARGET / file).write_bytes(content)
    print(f"{len(content):>9,} {file}")


if __name__ == "__main__":
    main()
