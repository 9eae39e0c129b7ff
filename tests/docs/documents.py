"""The documents whose commands and code are checked, and what is code in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(ROOT.glob("CONTRIBUTING.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("tflite/**/README.md")),
    *sorted(ROOT.glob("datasets/*/README.md")),
    *sorted(ROOT.glob("keras_fld/zoo/*.md")),
]


def name(document):
    """Its path in the repository."""
    return document.relative_to(ROOT).as_posix()


def python_blocks(text):
    """The fenced blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def code_lines(text):
    """The lines of indented and shell blocks, and code within sentences and tables.

    Returns:
        A list of (whole, words). A line is whole; code within a sentence may name a part of a
        command.
    """
    shell = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks = "\n".join([*re.findall(r"^    (.*)$", text, re.MULTILINE), *shell])
    blocks = re.sub(r"\\\n\s*", "", blocks)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))
    whole = [(True, re.split(r"(?:^|\s)# ", line)[0].strip()) for line in blocks.splitlines()]
    return [*whole, *((False, " ".join(span.split())) for span in spans)]


def calls_of(program):
    """What follows a program's name in the documents.

    Returns:
        A list of (document, whole, words), each call of a document once.
    """
    called = rf"(?:^|[\s('\"]){program} (.+)"
    found = {
        (name(document), whole, match[1])
        for document in DOCUMENTS
        for whole, line in code_lines(document.read_text("utf-8"))
        if (match := re.search(called, line))
    }
    return sorted(found)
