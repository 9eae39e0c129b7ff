"""Every measured figure of the README is in a JSON of results/, in its tables and in its sentences.

`tests/readme_tables.py` writes the tables that are not written by hand; `tests/readme_prose.py` has
the figures outside tables.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests import readme_prose, readme_tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")

# First words of a table's head to the files in results/ that its figures are from.
MEASURED = {
    "| | faces/s |": ["benchmarks/backends.json"],
    "| detector | missed": [
        "detection/haar/detection.json",
        "detection/haar-frontal/detection.json",
    ],
    "| | jitter at rest |": ["video/smoothing.json"],
    "| NME % under drawn": ["300w_trnet20_fifth/model/occlusion.json"],
    "| NME % of the int8": ["small_faces.json"],
    "| fault or input |": [
        "hardening/faults.json",
        "hardening/fuzz.json",
        "hardening/long.json",
        "hardening/tests.json",
    ],
}
# Tables that say what things are, not how well they do.
FACTS = ("| detector | what it is |", "| loss | of one face", "| name | scheme |")
# A figure's unit in the table in that of the JSON: itself or per cent.
SCALES = (1, 100)
TABLE = r"(?:^\|.*\n)+"
# A number that may be measured: it has decimals, a thousand or a unit.
FIGURE = (
    r"(?<![\w.-])(?:\d+\.\d+|\d+,\d{3}|\d+(?= (?:%|m?s|[MT]B|GB|times|minutes|core-hours)(?!\w)))"
)
# Longer lists are of single faces or runs: there any figure could be found.
LONGEST = 20


def by_hand(text):
    """The text without what `readme_tables` writes."""
    return re.sub(r"<!-- table: .*?<!-- end of table -->", "", text, flags=re.DOTALL)


def tables(text):
    """The lines of each table that is written by hand."""
    return [table.splitlines() for table in re.findall(TABLE, by_hand(text), re.MULTILINE)]


def prose(text):
    """The sentences in one line: no table, no code block."""
    text = re.sub(r"```.*?```", "", by_hand(text), flags=re.DOTALL)
    return " ".join(re.sub(rf"{TABLE}|^    .*$", "", text, flags=re.MULTILINE).split())


def unexplained(text, known):
    """Figures of the prose, with what stands around them, outside the words that are known."""
    for words in sorted(known, key=len, reverse=True):
        text = text.replace(words, "~")
    # Code, and the addresses of links.
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", "~", text)
    return [text[max(0, m.start() - 30) : m.end() + 10] for m in re.finditer(FIGURE, text)]


def numbers(value):
    """The numbers of a JSON value, those in long lists left out."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [] if len(value) > LONGEST else [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def figures(row):
    """The figures of a row as they are written: its first cell names it, code is none."""
    cells = re.sub(r"`[^`]*`", "", row.partition("|")[2].partition("|")[2])
    return re.findall(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?![\w-])", cells)


def without_shares(row):
    """A row without the per cent of "19 of 554 (3.4 %)", which follow from the two numbers."""
    for some, every, share in re.findall(r"(\d+) of (\d+) \(([\d.]+) %\)", row):
        assert f"{100 * int(some) / int(every):.1f}" == share, row
    return re.sub(r"( of \d+) \([\d.]+ %\)", r"\1", row)


def is_there(figure, values):
    digits = len(figure.partition(".")[2])
    wanted, half = float(figure.replace(",", "")), 0.500001 * 10**-digits
    return any(abs(abs(value) * scale - wanted) <= half for value in values for scale in SCALES)


def is_measured(table):
    return next((files for head, files in MEASURED.items() if table[0].startswith(head)), None)


@pytest.mark.parametrize("head", MEASURED)
def test_every_figure_is_in_its_results(head):
    (table,) = (table for table in tables(README) if table[0].startswith(head))
    files = [json.loads((ROOT / "results" / name).read_text("utf-8")) for name in MEASURED[head]]
    values = [number for file in files for number in numbers(file)]
    found = [figure for row in table[2:] for figure in figures(without_shares(row))]
    assert found
    assert not [figure for figure in found if not is_there(figure, values)]


def test_every_table_is_of_facts_or_of_results():
    for table in tables(README):
        assert is_measured(table) or table[0].startswith(FACTS), table[0]


@pytest.fixture(scope="module")
def runs():
    return {run.name: run for run in readme_tables.load_runs()}


@pytest.mark.parametrize("claim", readme_prose.CLAIMS, ids=lambda claim: claim.__name__)
def test_the_prose_has_the_figures_of_the_results(claim, runs):
    text = prose(README)
    assert not [words for words in claim(runs) if words not in text], "what results/ gives"


def test_every_figure_of_the_prose_is_of_results_or_known_as_another(runs):
    text = prose(README)
    others = readme_prose.FACTS
    assert not [words for words in others if words not in text], "no longer in the README"
    known = [words for claim in readme_prose.CLAIMS for words in claim(runs)]
    assert not unexplained(text, [*known, *others])


def test_a_figure_of_the_prose_that_nothing_explains_is_noticed():
    text = prose(
        "| a |\n\n    pass 1.5\n\n`x 2.5` takes 3.5\nms, 4 MB, and 5,000 of 6 [a](b7.5).\n"
    )
    assert text == "`x 2.5` takes 3.5 ms, 4 MB, and 5,000 of 6 [a](b7.5)."
    assert len(unexplained(text, [])) == 3
    assert unexplained(text, ["takes 3.5 ms", "and 5,000"]) == ["~ ~, 4 MB, ~ of "]


def test_the_presets_figures_are_those_of_the_file_that_is_shipped(runs):
    other = runs["300w_trnet20_third"]
    swapped = {name: replace(run, preset=None) for name, run in runs.items()}
    with pytest.raises(AssertionError, match="measured the shipped file of trnet20_300w$"):
        readme_prose.phone(swapped)
    swapped[other.name] = replace(other, preset="trnet20_300w")
    for claim in (readme_prose.inter_ocular, readme_prose.phone):
        assert claim(swapped)[0] != claim(runs)[0]


def test_a_figure_that_no_run_gave_is_noticed():
    values = numbers({"nme": 4.3071, "faces": 554, "each": [1.25] * 21, "share": 0.034})
    assert values == [4.3071, 554, 0.034]
    for figure, there in (("4.307", True), ("4.308", False), ("3.4", True), ("1.25", False)):
        assert is_there(figure, values) is there
    assert without_shares("| haar | 19 of 554 (3.4 %) |") == "| haar | 19 of 554 |"
    with pytest.raises(AssertionError):
        without_shares("| haar | 19 of 554 (3.5 %) |")
    assert figures("| haar 3 | 19 of 554 (3.4 %) | `a 5` | +0.053 to 1,234 |") == [
        "19",
        "554",
        "3.4",
        "0.053",
        "1,234",
    ]


def test_results_name_no_place_of_the_machine_they_are_from():
    """A string that begins as an absolute path would be one."""
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sorted((ROOT / "results").rglob("*.json"))
        for text in re.findall(r'"((?:/|[A-Z]:\\\\)[^"]*)"', path.read_text("utf-8"))
    ]
    assert not found
