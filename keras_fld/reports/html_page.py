"""Parts of an HTML page that is one file and opens without a network."""

import base64
from html import escape

import cv2

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ccc; text-align: right;
  white-space: nowrap }
.w { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 6rem }
th.w { overflow-wrap: normal }
td { font-variant-numeric: tabular-nums }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100% }
figcaption { font-size: .8rem; overflow-wrap: anywhere }
img { max-width: 100% }
.reference { color: #0a7d32 } .model { color: #c0203a }
"""
# Nothing is loaded from elsewhere, whatever a name on the page says.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title, body):
    """A whole page.

    Args:
        title: its title and heading, as text.
        body: HTML of what follows.

    Returns:
        The HTML.
    """
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title><style>{_STYLE}</style>
<h1>{escape(title)}</h1>
{body}</html>
"""


def table(head, rows, words=1):
    """A table of text.

    Args:
        head: titles of the columns.
        rows: cells of each row, as text.
        words: how many columns, from the first on, hold words, which stand to the left; the others
            hold numbers, to the right.

    Returns:
        The HTML.
    """
    lines = [_line("th", head, words), *(_line("td", row, words) for row in rows)]
    return f"<table>{chr(10).join(lines)}</table>\n"


def notes(sentences):
    """A list of sentences; nothing where there is none."""
    if not sentences:
        return ""
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>\n"


def picture(image, width, alt, caption="", photograph=True):
    """A picture inside the page.

    Args:
        image: (height, width, 3) uint8 RGB.
        width: in pixels of the page.
        alt: what it shows, as text.
        caption: as text.
        photograph: photographs are kept as JPEG, drawings as PNG: a dozen photographs as PNG would
            make a page of megabytes.

    Returns:
        The HTML of a figure.
    """
    kind, options = (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 88]) if photograph else (".png", [])
    _, data = cv2.imencode(kind, image[..., ::-1], options)
    source = base64.b64encode(data.tobytes()).decode()
    mime = "image/jpeg" if photograph else "image/png"
    caption = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure style="width: {width}px"><img width="{width}" alt="{escape(alt)}" '
        f'src="data:{mime};base64,{source}">{caption}</figure>'
    )


def _line(tag, cells, words):
    kinds = [' class="w"' if column < words else "" for column in range(len(cells))]
    cells = (f"<{tag}{k}>{escape(c)}</{tag}>" for k, c in zip(kinds, cells, strict=True))
    return f"<tr>{''.join(cells)}</tr>"
