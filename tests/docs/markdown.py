"""Rows of Markdown tables."""


def head(cells):
    """The first two lines of a table."""
    return [line(*cells), line(*["---"] * len(cells)).replace(" ", "")]


def line(*cells):
    """A row of a table."""
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"
