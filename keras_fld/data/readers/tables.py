"""Tables of annotations as spreadsheets and scripts write them.

Cells are parted by commas, semicolons or tabs, which the header shows, or a first line such as
`sep=;`. Where they are not parted by commas, a comma may be the decimal sign.
"""

import csv
import io
import re

from keras_fld._internal.text import decode

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


class Table:
    """A table with a header.

    Args:
        data: the file's bytes.
        needed: columns that the header must have.

    Attributes:
        header: the columns' names.
        rows: (line number, column to cell) of each row that is not empty; a short row's last cells
            are empty, and cells beyond the header are a list under None.

    Raises:
        ValueError: the bytes are no text, or the header lacks a column.
        csv.Error: the table's quotes are wrong.

    Examples:
        >>> Table(b"image;x\\na.jpg;1,5\\n", ["image"]).rows
        [(2, {'image': 'a.jpg', 'x': '1,5'})]
    """

    def __init__(self, data: bytes, needed):
        # Old line ends are new ones to what follows.
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
        """The number in a cell; raises ValueError where it is none."""
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
        return f"Got, parted by {named}: {columns or 'nothing'}{more}"


def _delimiter(text, needed, stated):
    """What parts the header into the columns that are needed, or into most."""
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
