import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, features

from keras_fld._internal.image_formats import HEAD, SUFFIXES, format_of
from keras_fld.predict.inputs import Source, output_names, sources
from tests.predict.media.films import film

IMAGE = np.full((32, 40, 3), 90, np.uint8)


def kind(path):
    (source,) = sources(path)
    return source.kind


@pytest.mark.parametrize("suffix", [".bmp", ".jpg", ".png", ".tif", ".webp", ".pgm", ".hdr"])
def test_images_are_known_by_their_content(tmp_path, suffix):
    image = IMAGE if suffix != ".pgm" else IMAGE[..., 0]
    image = image.astype(np.float32) if suffix == ".hdr" else image
    data = cv2.imencode(suffix, image)[1].tobytes()
    assert format_of(data[:HEAD]) is not None
    for name in ("a" + suffix, "a.mp4", "a"):
        (tmp_path / name).write_bytes(data)
        assert kind(tmp_path / name) == "image"


@pytest.mark.parametrize("suffix", [".gif", ".avif"])
def test_an_animated_image_is_an_image(tmp_path, suffix):
    """Of which the first picture counts."""
    # Not by PyAV: its AV1 encoder gives the thread real-time priority, for good, where root calls.
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    first, second = (Image.fromarray(np.full((64, 64, 3), value, np.uint8)) for value in (0, 200))
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=[second])
    assert kind(tmp_path / f"a{suffix}") == "image"


def test_an_animated_webp_is_known():
    assert format_of(b"RIFF\x10\0\0\0WEBPVP8X").name == "WebP"


def test_videos_are_known_by_their_content(tmp_path):
    for name, codec in (("a.mp4", "libx264"), ("a.ts", "libx264"), ("a.avi", "mjpeg")):
        path = film(tmp_path / name, 25, codec)
        assert kind(path) == "video"
        for other in ("b", "b.jpg", "b.txt", "b.mov"):
            (tmp_path / other).write_bytes(path.read_bytes())
            assert kind(tmp_path / other) == "video", (name, other)


def test_what_is_neither_is_what_its_suffix_says(tmp_path):
    for content in (b"", b"text\n" * 99, b"P5"):
        for name, expected in (("a.mp4", "video"), ("a.jpg", "image"), ("a", "image")):
            (tmp_path / name).write_bytes(content)
            assert kind(tmp_path / name) == expected
    assert kind(tmp_path / "none.mov") == "video" and kind(tmp_path / "none.webp") == "image"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_looked_into(tmp_path):
    os.mkfifo(tmp_path / "pipe.ts")
    assert kind(tmp_path / "pipe.ts") == "video"


def test_a_folder_s_files_are_those_with_a_suffix(tmp_path):
    film(tmp_path / "a.mts", 3)
    film(tmp_path / "b.mp4", 3).rename(tmp_path / "notes.txt")
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "c.png").write_bytes(cv2.imencode(".png", IMAGE)[1].tobytes())
    found = {source.path.name: source.kind for source in sources(tmp_path)}
    assert found == {"a.mts": "video", "c.png": "image"}
    assert ".gif" in SUFFIXES


def test_streams_are_videos_and_have_names(tmp_path):
    urls = ("rtsp://me:pw@camera/live", "http://server/clip.mp4?x=1")
    found = [sources(url)[0] for url in urls]
    assert found == [Source(url, "video") for url in urls]
    both = [*found, Source(Path("clip.mp4"), "video")]
    with pytest.raises(ValueError, match="two inputs are both named"):
        output_names(both)
    assert output_names(found) == ["live", "clip"]
