"""Adapts documents of the repository, and the help of commands, to the site.

READMEs, cards and CONTRIBUTING.md link to files of the repository that are not on the site. Such
links become plain text; links to documents that are on the site lead to their pages.
"""

import posixpath
import re
from pathlib import Path

# Documents outside docs/ and the page that shows each.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    **{
        f"{card.parent}/README.md": f"{card.parent}.md"
        for card in Path().glob("datasets/*/README.md")
    },
}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\((?!\w+:|#)([^)\s#]+)(#[\w-]+)?\)")
_SNIPPET = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
# A paragraph of calls, as at the end of a command's help.
_CALLS = re.compile(r'<p>((?:\w+=\S+ |eval "\$\()?keras-fld [^<]*)</p>')


def on_page_markdown(markdown, page, config, files):
    """Includes the documents that a page shows, and mends their links."""
    here = page.file.src_uri

    def included(match):
        return mended(Path(match[1]).read_text("utf-8"), match[1], here, files)

    return _SNIPPET.sub(included, mended(markdown, f"docs/{here}", here, files))


def on_page_content(html, page, config, files):
    """Mends what mkdocs-click writes of the commands."""
    return commands(html) if page.file.src_uri == "reference/cli.md" else html


def commands(html):
    """The HTML of the commands, with examples as code and without defaults that click lacks."""
    html = html.replace("<code>Sentinel.UNSET</code>", "")
    return _CALLS.sub(r'<div class="highlight"><pre><code>\1</code></pre></div>', html)


def mended(markdown, source, page, files):
    """The text of a document with its links for the page that shows it."""

    def link(match):
        text, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        known = PAGES.get(path) or path.removeprefix("docs/") * path.startswith("docs/")
        if not known or files.get_file_from_path(known) is None:
            return text
        return f"[{text}]({posixpath.relpath(known, posixpath.dirname(page) or '.')}{anchor})"

    return _LINK.sub(link, markdown)
