"""Names the public functions and methods that no test runs; exit code 1 if there are any.

python -m tests.untested build/coverage.json     # the last step of: make coverage
"""

import sys

from keras_fld.files import read_json


def untested(report):
    """Public functions without a line that was run.

    Args:
        report: Coverage.py's JSON report.

    Returns:
        "FILE: FUNCTION" of each, a method as CLASS.METHOD.
    """
    return [
        f"{path}: {name}"
        for path, file in report["files"].items()
        for name, function in file["functions"].items()
        if _is_public(name)
        and function["summary"]["num_statements"]
        and not function["summary"]["covered_lines"]
    ]


def _is_public(name):
    # What is outside all functions goes under an empty name.
    return bool(name) and not any(part.startswith("_") for part in name.split("."))


def main():
    found = untested(read_json(sys.argv[1]))
    if found:
        sys.exit("no test runs these public functions:\n" + "\n".join(found))
    print("tests run every public function")


if __name__ == "__main__":
    main()
