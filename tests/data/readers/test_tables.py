"""Tables as spreadsheets write them: other separators, encodings, line ends, decimal commas."""

import json

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.readers.tables import Table
from tests.data import released

HEADER = ["image", "split", *(f"{name}_{axis}" for name in "abc" for axis in "xy")]
SCHEME = {"name": "three", "landmarks": ["a", "b", "c"]}
POINTS = [[10.25, 20.5], [60, 25.75], [35.5, 70]]


def _write(folder, delimiter=",", comma=".", ending="\n", encoding="utf-8", first="", last=""):
    """The table of one face in some dialect, with its photograph and scheme."""
    numbers = [str(value).replace(".", comma) for value in np.ravel(POINTS)]
    rows = [HEADER, ["bilder/müller.png", "train", *numbers]]
    text = first + "".join(delimiter.join(row) + "\n" for row in rows) + last
    (folder / "faces.csv").write_bytes(text.replace("\n", ending).encode(encoding))
    (folder / "faces.scheme.json").write_text(json.dumps(SCHEME))
    released.save_image(folder / "bilder/müller.png", np.zeros((96, 96, 3), np.uint8))
    return folder / "faces.csv"


@pytest.mark.parametrize(
    "dialect",
    [
        {"encoding": "utf-8-sig", "ending": "\r\n"},
        {"delimiter": ";"},
        {"delimiter": ";", "comma": ",", "encoding": "utf-8-sig", "ending": "\r\n"},
        {"delimiter": "\t"},
        {"delimiter": "\t", "comma": ",", "encoding": "utf-16"},
        {"encoding": "latin-1", "ending": "\r\n"},
        {"ending": "\r"},
        {"first": "sep=;\n", "delimiter": ";"},
        {"first": "sep=|\n", "delimiter": "|"},
        {"last": "\n,,,,,,,\n"},
    ],
    ids=str,
)
def test_a_table_of_every_dialect_is_read(tmp_path, dialect):
    (face,) = read("own", _write(tmp_path, **dialect)).faces
    np.testing.assert_array_equal(face.landmarks, np.float32(POINTS))
    assert face.source.name == "müller.png"


def test_a_table_of_tabs_may_be_called_tsv(tmp_path):
    path = _write(tmp_path, "\t")
    assert len(read("own", path.rename(path.with_suffix(".tsv")))) == 1


def test_what_was_found_is_said(tmp_path):
    path = _write(tmp_path)
    for content, found in (
        ("picture;x;y\n", "Got, separated by semicolons: 'picture', 'x', 'y'"),
        ("picture\tx\ty\tz\tw\n", r"Got, separated by tabs: 'picture', 'x', 'y', 'z', \.\.\."),
        ("", "Got, separated by commas: nothing"),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=f"the header needs a column 'image'. {found}"):
            read("own", path)


def test_a_comma_is_a_decimal_sign_only_where_it_parts_no_cells():
    table = Table(b"image;x\na;1,5\n", ["image", "x"])
    assert table.number("1,5") == 1.5 and table.number("-2,5e1") == -25 and table.number("3") == 3
    for cell in ("1.234,5", "1,2,3", "", "x"):
        with pytest.raises(ValueError):
            table.number(cell)
    with pytest.raises(ValueError):
        Table(b"image,x\n", ["image"]).number("1,5")


def test_rows_have_their_lines_and_their_missing_and_further_cells():
    rows = Table(b"sep=,\nimage,x\na,1\n\nb\nc,2,3\n", ["image"]).rows
    assert rows == [
        (3, {"image": "a", "x": "1"}),
        (5, {"image": "b", "x": ""}),
        (6, {"image": "c", "x": "2", None: ["3"]}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_lists_and_descriptions_are_read_in_every_encoding(tmp_path, encoding):
    released.write_wflw(tmp_path / "w", "train", released.drawn(1, "wflw98"), [(0,) * 6])
    path = next((tmp_path / "w").rglob("*_train.txt"))
    photograph = next((tmp_path / "w").rglob("*.png"))
    photograph.rename(photograph.with_name("café.png"))
    text = path.read_text().replace(photograph.name, "café.png")
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert read("wflw", tmp_path / "w").faces[0].source.name == "café.png"

    own = released.write_own(tmp_path / "o", count=3, tests=1)
    own.write_bytes(own.read_text().encode(encoding))
    assert len(read("own", own)) == 2

    points = "\r\n".join(f"{x} {y}" for x, y in released.drawn(1, "ibug68")[0].landmarks)
    released.save_image(tmp_path / "p/a.png", np.zeros((96, 96, 3), np.uint8))
    (tmp_path / "p/a.pts").write_bytes(f"version: 1\r\n{{\r\n{points}\r\n}}".encode(encoding))
    assert len(read("pts", tmp_path / "p")) == 1
