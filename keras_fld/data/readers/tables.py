"""Tables of annotations as written by spreadsheets and scripts.

Cells are separated by commas, semicolons or tabs, which is detected from the header or a first line
such as `sep=;`. If the separator is not a comma, a comma may be the decimal separator.
"""

import csv
import io
import re

from keras_fld._internal.text import decode

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


class Table:
    """A table with a header.

    Args:
        data: content of the file.
        needed: columns that the header must contain.

    Attributes:
        header: names of the columns.
        rows: (line number, dictionary from column to cell) of each row that is not empty. If a row
            is too short, the missing cells are empty; extra cells are a list with the key None.

    Raises:
        ValueError: the file is not text, or a column is missing in the header.
        csv.Error: the table's quotes are wrong.

    Examples:
        >>> Table(b"image;x\\na.jpg;1,5\\n", ["image"]).rows
        [(2, {'image': 'a.jpg', 'x': '1,5'})]
    """

    def __init__(self, data: bytes, needed):
        # The following code only knows the line ending "\n".
        text, skipped = decode(data).replace("\r\n", "\n").replace("\r", "\n"), 0
        stated = re.match(r"\s*\"?sep=(.)\"?\n", text)
        if stated:
            text, skipped = text[stated.end() :], stated[0].count("\n")
        self._delimiter = _delimiter(text, needed, stated[1] if stated else None)
        reader = self._reader(text)
        self.header = [name.strip() for name in next(reader, [])]
        for column in needed:
            if column not in self.header:
                raise ValueError(f"the header needs a column {column!r}. {self._found()}")
        self.rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict.fromkeys(self.header, "")
                row.update(zip(self.header, cells, strict=False))
                if beyond := cells[len(self.header) :]:
                    row[None] = beyond
                self.rows.append((reader.line_num + skipped, row))

    def number(self, cell: str) -> float:
        """Converts a cell to a number; raises ValueError if it is not one."""
        comma = self._delimiter != "," and re.fullmatch(r"\s*[+-]?\d*,\d*(e[+-]?\d+)?\s*", cell, 2)
        return float(cell.replace(",", ".") if comma else cell)

    def _reader(self, text):
        return csv.reader(
            io.StringIO(text, newline=""),
            strict=True,
            skipinitialspace=self._delimiter != "\t",
            delimiter=self._delimiter,
        )

    def _found(self):
        named = _DELIMITERS.get(self._delimiter, repr(self._delimiter))
        columns = ", ".join(repr(name) for name in self.header[:4])
        more = ", ..." if len(self.header) > 4 else ""
        return f"Got, separated by {named}: {columns or 'nothing'}{more}"


def _delimiter(text, needed, stated):
    """Returns the delimiter with which the header has most of the needed columns."""
    if stated:
        return stated

    def columns(delimiter):
        try:
            reader = csv.reader(
                io.StringIO(text[:1_000_000], newline=""),
                delimiter=delimiter,
                skipinitialspace=True,
            )
            header = [name.strip() for name in next(reader, [])]
        except csv.Error:
            return 0, 0
        return sum(name in header for name in needed), len(header)

    return max(_DELIMITERS, key=columns)
