"""Links of the documents that lead out of the site become plain text.

READMEs, cards and CONTRIBUTING.md link to files of the repository, which the site, readable
offline, does not have. Links between documents that the site has are pointed at its pages.
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


def on_page_markdown(markdown, page, config, files):
    """Includes the documents that a page shows, and mends their links."""
    here = page.file.src_uri

    def included(match):
        return mended(Path(match[1]).read_text("utf-8"), match[1], here, files)

    return _SNIPPET.sub(included, mended(markdown, f"docs/{here}", here, files))


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
