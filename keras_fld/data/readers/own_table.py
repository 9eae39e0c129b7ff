"""Your own faces as a table: a header and a row for each face, see `readers.tables`.

The scheme of `faces.csv` is in `faces.scheme.json`: a description (see `keras_fld.schemes.custom`)
or the name of one of the package's schemes.

    image,split,box_x,box_y,box_width,box_height,left eye_x,left eye_y,...
    photos/a.jpg,train,30,40,80,80,51.5,60.0,...

Columns are `image`, `<landmark>_x` and `<landmark>_y`, and optionally `split` (default: train),
`group` (default: the image), the box (default: tight around the landmarks) and
`<landmark>_occluded`. Empty cells mean "not annotated". The landmarks of the package's schemes are
named by index, as in `0_x`.
"""

import json
from typing import Any

from keras_fld import schemes
from keras_fld._internal.text import decode
from keras_fld.data.readers import predicted
from keras_fld.data.readers.tables import Table
from keras_fld.schemes import registry
from keras_fld.schemes.custom import names_of
from keras_fld.schemes.pairs import proposal

_BOX = ("box_x", "box_y", "box_width", "box_height")


def read(path):
    """Reads a table.

    Args:
        path: the file.

    Returns:
        The `Scheme`, and a list of each face's position and record, as in a JSON file.

    Raises:
        ValueError: the scheme or the table is bad.
        csv.Error: the table's quotes are wrong.
    """
    description = path.with_suffix(".scheme.json")
    data = path.read_bytes()
    if predicted.is_table(data):
        return predicted.rows_of(path, data, scheme_beside(path) if description.is_file() else None)
    if not description.is_file():
        names = _names(Table(data, ("image",)).header)
        example = f". {proposal(names)}" if names else ""
        raise ValueError(f"the scheme must be in {description.name}, next to the table{example}")
    scheme, names = scheme_beside(path)
    points = [f"{name}_{axis}" for name in names for axis in "xy"]
    table = Table(data, ("image", *points))
    flags = [f"{name}_occluded" for name in names]
    known = ("image", "split", "group", *_BOX, *points, *flags)
    for column in table.header:
        if column not in known or table.header.count(column) > 1:
            raise ValueError(f"the header has an unknown or repeated column {column!r}")
    return scheme, [(f"line {line}", _record(table, row, names)) for line, row in table.rows]


def _names(header):
    """Returns the landmarks that a header names; those of the package's schemes are numbers."""
    names = [column[:-2] for column in header if column.endswith("_x") and column not in _BOX]
    return [name for name in names if f"{name}_y" in header and not name.isdigit()]


def scheme_beside(path):
    """Reads the scheme of a table, and the names of its landmarks.

    Raises:
        ValueError: the scheme is missing or bad.
    """
    description = path.with_suffix(".scheme.json")
    if not description.is_file():
        raise ValueError(f"the scheme must be in {description.name}, next to the table")
    try:
        return scheme_of(json.loads(decode(description.read_bytes())))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{description.name}: {error}") from error


def scheme_of(description):
    """Returns a scheme and its landmarks' names from a description or a scheme's name."""
    if isinstance(description, str):
        scheme = schemes.get(description)
        return scheme, [str(index) for index in range(scheme.num_landmarks)]
    return registry.described(description), names_of(description)


def _record(table, row, names):
    """Converts a row to a record as in a JSON file. Invalid numbers are kept and rejected later."""
    cells = {key: (value or "").strip() for key, value in row.items() if key is not None}

    def number(column):
        cell = cells.get(column, "")
        try:
            return table.number(cell)
        except ValueError:
            return cell

    record: dict[str, Any] = {"image": cells["image"], "points": []}
    if any(cell.strip() for cell in row.get(None, ())):
        record["cells beyond the header"] = row[None]
    record.update({key: cells[key] for key in ("split", "group") if cells.get(key)})
    for name in names:
        point = [number(f"{name}_{axis}") for axis in "xy"]
        record["points"].append(None if point == ["", ""] else point)
    box = [number(column) for column in _BOX]
    if box != [""] * 4:
        record["box"] = box
    flags = [cells.get(f"{name}_occluded", "") for name in names]
    if any(flags):
        record["occluded"] = [{"1": True, "0": False, "": False}.get(flag, flag) for flag in flags]
    return record
