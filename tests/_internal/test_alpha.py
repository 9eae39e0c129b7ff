"""Files with transparent pixels, read for prediction and for training: what a viewer shows."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from keras_fld._internal.alpha import on_white
from keras_fld._internal.images import as_rgb, read_image, read_reduced

SIZE = 24


@pytest.fixture
def pixels():
    """Random colors whose upper half is erased, and a row in between that is half transparent."""
    rgba = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 4)).astype(np.uint8)
    rgba[..., 3] = 255
    rgba[: SIZE // 2, :, 3], rgba[SIZE // 2, :, 3] = 0, 100
    return rgba


def readings(path):
    """What the three readers of the package give of a file, in RGB."""
    image, to_photo = read_reduced(path, 1.0)
    np.testing.assert_array_equal(to_photo, [[1, 0, 0], [0, 1, 0]])
    return [as_rgb(path), read_image(path), image[..., ::-1]]


def check(path, rgba, atol=0):
    expected = rgba[..., :3] * (rgba[..., 3:] / 255) + 255 * (1 - rgba[..., 3:] / 255)
    for image in readings(path):
        np.testing.assert_allclose(image, expected, atol=atol + 0.51)
        assert (image[: SIZE // 2] == 255).all(), "erased colors"


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_what_was_erased_is_white(tmp_path, pixels, suffix):
    Image = pytest.importorskip("PIL.Image")
    path = tmp_path / f"a{suffix}"
    # Lossless; and WebP keeps the colors under transparent pixels.
    Image.fromarray(pixels).save(
        path, **({"lossless": True, "exact": True} if "w" in suffix else {})
    )
    check(path, pixels, atol=1)


def test_gray_with_alpha(tmp_path, pixels):
    Image = pytest.importorskip("PIL.Image")
    gray = pixels[..., [0, 0, 0, 3]]
    Image.fromarray(gray).convert("LA").save(tmp_path / "a.png")
    check(tmp_path / "a.png", gray)


def test_16_bits_with_alpha(tmp_path, pixels):
    deep = pixels[..., [2, 1, 0, 3]].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    check(tmp_path / "a.png", pixels)


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_palette_s_transparent_color(tmp_path, suffix):
    Image = pytest.importorskip("PIL.Image")
    indices = np.zeros((SIZE, SIZE), np.uint8)
    indices[SIZE // 2 :] = 1
    image = Image.fromarray(indices, "P")
    image.putpalette([200, 30, 10, 20, 90, 60])
    image.save(tmp_path / f"a{suffix}", transparency=0)
    for found in readings(tmp_path / f"a{suffix}"):
        assert (found[: SIZE // 2] == 255).all() and (found[SIZE // 2 :] == (20, 90, 60)).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_a_png_s_key_color(tmp_path, mode):
    Image = pytest.importorskip("PIL.Image")
    colors = np.full((SIZE, SIZE, 3), 0, np.uint8)
    colors[SIZE // 2 :] = 255 if mode == "1" else 77
    image = Image.fromarray(colors).convert(mode)
    image.save(tmp_path / "a.png", transparency=(0, 0, 0) if mode == "RGB" else 0)
    for found in readings(tmp_path / "a.png"):
        assert (found[: SIZE // 2] == 255).all()
        assert (found[SIZE // 2 :] == colors[-1, -1]).all()


def test_opaque_images_are_what_they_were(tmp_path, pixels):
    Image = pytest.importorskip("PIL.Image")
    opaque = pixels.copy()
    opaque[..., 3] = 255
    for suffix, options in ((".png", {}), (".webp", {"lossless": True}), (".tif", {})):
        for image in (opaque, opaque[..., :3]):
            Image.fromarray(image).save(tmp_path / f"a{suffix}", **options)
            for found in readings(tmp_path / f"a{suffix}"):
                np.testing.assert_array_equal(found, opaque[..., :3])


def test_every_mix_of_color_and_alpha_is_rounded_to_the_nearest():
    colors, alpha = np.meshgrid(np.arange(256), np.arange(256))
    image = np.stack([colors, colors, colors, alpha], axis=-1).astype(np.uint8)
    exact = colors * (alpha / 255) + 255 - alpha
    np.testing.assert_array_equal(on_white(image)[..., 0], np.floor(exact + 0.5))
    once = np.uint8([[[100, 0, 40, 200]]])
    np.testing.assert_array_equal(on_white(once, premultiplied=True), [[[155, 55, 95]]])


def test_a_damaged_png_with_alpha_is_one_named_error(tmp_path, pixels):
    done, data = cv2.imencode(".png", pixels)
    content = bytearray(data.tobytes())
    content[60:120] = bytes(60)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match="a.png: not an image that can be read"):
        read_image(tmp_path / "a.png")


def test_chunks_that_never_end_are_no_loop(tmp_path, pixels):
    done, data = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))
    content = data.tobytes()
    chunk = struct.pack(">L4sL", 0, b"teXt", zlib.crc32(b"teXt"))
    (tmp_path / "a.png").write_bytes(content[:33] + chunk * 1000 + content[33:])
    assert read_image(tmp_path / "a.png").shape == (4, 4, 3)
