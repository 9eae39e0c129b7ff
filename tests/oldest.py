"""The package with the oldest versions that pyproject.toml allows.

    python tests/oldest.py                  # or make test-oldest
    python tests/oldest.py tests/losses     # other tests

A new environment in a temporary folder gets the lower bound of every direct dependency, exactly,
and runs a part of the tests: losses, metrics, networks, a training, a conversion, the landmarker.
pip chooses the rest. Needs a package registry and 3 GB.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUPS = ("tensorflow", "datasets", "video", "plots", "dev")
# They test no behavior of the package.
TOOLS = ("codespell", "mypy", "ruff", "pytest-cov", "pytest-xdist", "playwright")
TESTS = (
    "tests/losses/test_classes.py",
    "tests/losses/test_functions.py",
    "tests/losses/test_normalizers.py",
    "tests/losses/test_saving.py",
    "tests/test_metrics.py",
    "tests/models/test_cnn.py",
    "tests/models/test_trnet.py",
    "tests/models/test_windows.py",
    "tests/geometry/test_frame.py",
    "tests/data/prepared/test_shards.py",
    "tests/data/readers/test_cofw.py",
    "tests/data/synthetic/test_recast.py",
    "tests/training/test_run.py::test_a_run_leaves_its_recipe_log_and_model",
    "tests/training/test_run.py::test_training_learns_a_few_faces_by_heart",
    "tests/lite/test_conversion.py",
    "tests/lite/test_metadata.py",
    "tests/predict/test_landmarker.py",
    "tests/predict/media/test_reading.py",
    "tests/predict/media/test_writing.py",
    "tests/drawing/test_faces.py",
    "tests/zoo/test_zoo.py",
)


def bounds(project, groups):
    """The lower bounds of a project's dependencies: {name: version}.

    Raises:
        ValueError: a requirement has none.
    """
    wanted = [*project["dependencies"]]
    for group in groups:
        wanted += project["optional-dependencies"][group]
    found = {}
    for requirement in wanted:
        match = re.fullmatch(r"([\w.-]+)>=([\d.]+)(,.*)?", requirement.replace(" ", ""))
        if not match:
            raise ValueError(f"a dependency must have a lower bound. Got: {requirement!r}")
        found[match[1]] = match[2]
    return {name: version for name, version in found.items() if name not in TOOLS}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tests", nargs="*", default=TESTS)
    parser.add_argument("--groups", nargs="+", default=GROUPS, help="of optional dependencies")
    args = parser.parse_args(argv)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = bounds(project, args.groups)
    exact = [f"{name}=={version}" for name, version in oldest.items()]
    print(*exact, sep="\n", flush=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS"))}
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip = [python, "-m", "pip", "install", "--quiet"]
        # The package itself without dependencies: its bounds of other groups are not the question.
        subprocess.run([*pip, *exact], check=True, env=kept)
        subprocess.run([*pip, "--no-deps", "--editable", ROOT], check=True, env=kept)
        command = [python, "-m", "pytest", "-q", *args.tests]
        return subprocess.run(command, cwd=ROOT, env=kept).returncode


if __name__ == "__main__":
    sys.exit(main())
