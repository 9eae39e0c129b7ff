import base64
import re

import cv2
import numpy as np

from keras_fld.reports import html_page

EVIL = "<b>\"'&"
SAFE = "&lt;b&gt;&quot;&#x27;&amp;"


def test_all_text_is_escaped():
    image = np.zeros((8, 8, 3), np.uint8)
    parts = [
        html_page.document(EVIL, ""),
        html_page.table([EVIL], [[EVIL]]),
        html_page.notes([EVIL]),
        html_page.picture(image, 8, EVIL, EVIL),
    ]
    for part in parts:
        assert EVIL not in part and SAFE in part
    assert html_page.notes([]) == ""


def test_a_page_allows_nothing_from_elsewhere():
    assert "default-src 'none'; img-src data:" in html_page.document("a", "<p>b</p>")


def test_pictures_are_inside_and_in_their_colors():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:8] = (250, 10, 20)
    for photograph, tolerance in ((True, 20), (False, 0)):
        html = html_page.picture(image, 32, "a", photograph=photograph)
        data = re.search(r'base64,([^"]+)"', html).group(1)
        found = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(found[2, 2, ::-1].astype(int) - image[2, 2]).max() <= tolerance
        assert 'width="32"' in html and "figcaption" not in html


def test_words_stand_to_the_left():
    html = html_page.table(["model", "subset", "NME"], [["a", "b", "3"]], words=2)
    assert html.count('class="w"') == 4 and "<td>3</td>" in html
