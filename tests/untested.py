"""Names the public functions and methods that no test runs; exit code 1 if there are any.

python -m tests.untested build/coverage.json     # the last step of: make test COVERAGE=1
"""

import sys

from keras_fld._internal.files import read_json

# PyTorch's kernels: `make test-on-torch`.
ELSEWHERE = ("keras_fld/models/torch_forward.py",)


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
        if _is_public(name, file["functions"])
        and path not in ELSEWHERE
        and function["summary"]["num_statements"]
        and not function["summary"]["covered_lines"]
    ]


def _is_public(name, functions):
    # What is outside all functions goes under an empty name; a function in another is its detail,
    # and may run in a thread of TensorFlow's, which is not watched.
    inner = name.rpartition(".")[0] in functions if "." in name else not name
    return not inner and not any(part.startswith("_") for part in name.split("."))


def main():
    found = untested(read_json(sys.argv[1]))
    if found:
        sys.exit("no test runs these public functions:\n" + "\n".join(found))
    print("tests run every public function")


if __name__ == "__main__":
    main()
