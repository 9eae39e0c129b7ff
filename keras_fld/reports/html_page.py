"""Building blocks of a self-contained HTML page, which opens without a network."""

import base64
from html import escape

import cv2

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
.t { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ccc; text-align: right;
  white-space: nowrap }
.w { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 6rem }
th.w { overflow-wrap: normal }
td { font-variant-numeric: tabular-nums }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100% }
figcaption { font-size: .8rem; overflow-wrap: anywhere }
img, svg { max-width: 100%; height: auto }
h1, p, li, code { overflow-wrap: anywhere }
@media (max-width: 40rem) {
  body { margin: 1rem auto; padding: 0 .8rem }
  h1 { font-size: 1.5rem } h2 { font-size: 1.2rem }
  table { font-size: .85rem } th, td { padding: .2rem .35rem }
  th { white-space: normal } .w { min-width: 4.5rem }
  figure { margin-right: 0 }
}
.reference { color: #0a7d32 } .model { color: #c0203a }
"""
# The page loads nothing from elsewhere, even if a name on it contains HTML.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title, body):
    """Returns a complete HTML page.

    Args:
        title: title and heading, as text.
        body: HTML below the heading.

    Returns:
        The HTML.
    """
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title><style>{_STYLE}</style>
<h1>{escape(title)}</h1>
{body}</html>
"""


def table(head, rows, words=1):
    """Returns an HTML table.

    Args:
        head: titles of the columns.
        rows: cells of each row, as text.
        words: number of leading columns that contain words and are left-aligned. The other columns
            contain numbers and are right-aligned.

    Returns:
        The HTML.
    """
    lines = [_line("th", head, words), *(_line("td", row, words) for row in rows)]
    # A table wider than a telephone scrolls in itself; the page does not.
    return f'<div class="t"><table>{chr(10).join(lines)}</table></div>\n'


def notes(sentences):
    """Returns an HTML list of sentences, or an empty string if there are none."""
    if not sentences:
        return ""
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>\n"


def picture(image, width, alt, caption="", photograph=True):
    """Returns an HTML figure that contains the picture itself.

    Args:
        image: (height, width, 3) uint8 RGB.
        width: width on the page in pixels.
        alt: alternative text.
        caption: caption, as text.
        photograph: whether the image is a photograph. Photographs are stored as JPEG to keep the
            page small, drawings as PNG.

    Returns:
        The HTML.
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
