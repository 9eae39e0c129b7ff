"""The HTML of the site where docs/hooks.py changes it."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

_SPEC = importlib.util.spec_from_file_location(
    "hooks", Path(__file__).parents[2] / "docs" / "hooks.py"
)
hooks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hooks)


def page(uri):
    return SimpleNamespace(file=SimpleNamespace(src_uri=uri))


def test_examples_of_commands_are_code_and_missing_defaults_are_empty():
    prose = "<p>The report contains the curves. After <code>keras-fld evaluate</code>, more.</p>"
    html = (
        f"{prose}<p>keras-fld train --root 300w\nKERAS_BACKEND=jax keras-fld train</p>"
        '<p>eval "$(keras-fld completion bash)"</p><p>A=b keras-fld train</p>'
        "<td><code>--root</code></td><td><code>Sentinel.UNSET</code></td><td><code>64</code></td>"
    )
    start, end = '<div class="highlight"><pre><code>', "</code></pre></div>"
    assert hooks.on_page_content(html, page("reference/cli.md"), None, None) == (
        f"{prose}{start}keras-fld train --root 300w\nKERAS_BACKEND=jax keras-fld train{end}"
        f'{start}eval "$(keras-fld completion bash)"{end}{start}A=b keras-fld train{end}'
        "<td><code>--root</code></td><td></td><td><code>64</code></td>"
    )
    assert hooks.on_page_content(html, page("index.md"), None, None) == html
