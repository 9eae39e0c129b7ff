import numpy as np
import pytest

from keras_fld._internal.images import as_rgb
from keras_fld._internal.pixels import as_bytes, crops_of

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (6, 7, 3)).astype(np.uint8)
GRAY = COLOR[..., 0]


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint16]
)
def test_other_numbers_from_0_to_255_are_the_same_image(dtype):
    np.testing.assert_array_equal(as_rgb(COLOR.astype(dtype)), COLOR)


def test_fractions_are_rounded_and_not_cut_off():
    np.testing.assert_array_equal(as_rgb(COLOR * 0.9), np.rint(COLOR * 0.9).astype(np.uint8))
    assert as_bytes([254.6, 3]).tolist() == [255, 3]


@pytest.mark.parametrize(
    "image",
    [GRAY, GRAY[..., None], GRAY[::2, ::-1], np.asfortranarray(GRAY), GRAY.tolist()],
    ids=["2-D", "one channel", "strided", "Fortran", "lists"],
)
def test_gray_in_every_layout(image):
    expected = np.repeat(np.asarray(image).reshape(*np.shape(image)[:2], 1), 3, axis=2)
    np.testing.assert_array_equal(as_rgb(image), expected)


def test_layouts_of_memory_do_not_matter():
    wide = np.repeat(COLOR, 2, axis=1)
    fixed = COLOR.copy()
    fixed.flags.writeable = False
    for image in (wide[:, ::2], COLOR[::-1][::-1], np.asfortranarray(COLOR), fixed):
        found = as_rgb(image)
        np.testing.assert_array_equal(found, COLOR)
        assert found.flags.c_contiguous
    np.testing.assert_array_equal(as_rgb(COLOR[..., ::-1], bgr=True), COLOR)


@pytest.mark.parametrize("bgr", [False, True])
def test_alpha_of_an_array_is_composited_on_white(bgr):
    alpha = np.full((6, 7, 1), 255, np.uint8)
    alpha[:3], alpha[3] = 0, 128
    colors = COLOR[..., ::-1] if bgr else COLOR
    found = as_rgb(np.concatenate([colors, alpha], axis=2), bgr)
    assert (found[:3] == 255).all()
    np.testing.assert_allclose(found[3], COLOR[3] * (128 / 255) + 127, atol=0.51)
    np.testing.assert_array_equal(found[4:], COLOR[4:])


@pytest.mark.parametrize(
    ("image", "rule"),
    [
        (COLOR / 255, "from 0 to 255; multiply by 255. Got: at most 1, float64"),
        ((COLOR / 255).astype(np.float32), "multiply by 255"),
        (COLOR > 9, r"from 0 to 255. Got: bool \(6, 7, 3\)"),
        (COLOR.astype(np.uint16) * 257, "from 0 to 255. Got: .* uint16"),
        (COLOR - 128.0, "from 0 to 255. Got: -"),
        (np.full((5, 5, 3), np.nan), "from 0 to 255. Got: NaN or infinity"),
        (np.where(COLOR > 250, np.inf, COLOR), "from 0 to 255. Got: NaN or infinity"),
        (np.zeros((5, 5, 2), np.uint8), "1, 3 or 4 channels. Got: uint8"),
        (np.zeros(5, np.uint8), "1, 3 or 4 channels. Got: uint8"),
        (np.zeros((2, 5, 5, 3), np.uint8), "detect_many takes several images"),
        (np.zeros((0, 5, 3), np.uint8), "at least one pixel"),
        (np.zeros((5, 0), np.uint8), "at least one pixel"),
        (np.zeros((5, 5, 0), np.uint8), "1, 3 or 4 channels"),
        ([[1, 2], [3]], "image must be an array, a path or a Pillow image"),
    ],
)
def test_other_arrays_are_refused_with_the_rule(image, rule):
    with pytest.raises(ValueError, match=rule) as error:
        as_rgb(image, name="image 3: ")
    assert str(error.value).startswith("image 3: ")


@pytest.mark.parametrize("image", [None, b"\xff\xd8\xff", {}, object(), np.array(["a.jpg"]), 1j])
def test_what_is_no_image_at_all_is_a_type_error_that_says_what_is(image):
    rule = "image must be an array, a path or a Pillow image. Got: "
    with pytest.raises(TypeError, match=rule):
        as_rgb(image)


def test_images_of_pillow_in_every_mode():
    Image = pytest.importorskip("PIL.Image")
    picture = Image.fromarray(COLOR)
    for mode in ("RGB", "RGBA", "CMYK", "RGBX"):
        np.testing.assert_allclose(as_rgb(picture.convert(mode)), COLOR, atol=1)
    gray = np.repeat(GRAY[..., None], 3, axis=2)
    for mode in ("L", "LA"):
        np.testing.assert_array_equal(as_rgb(Image.fromarray(GRAY).convert(mode)), gray)
    for mode in ("1", "P", "YCbCr", "HSV"):
        other = picture.convert(mode)
        np.testing.assert_array_equal(as_rgb(other), np.asarray(other.convert("RGB")))


def test_16_bits_of_pillow_are_scaled_and_32_refused():
    Image = pytest.importorskip("PIL.Image")
    values = np.linspace(0, 65535, 42).reshape(6, 7)
    found = as_rgb(Image.fromarray(values.astype(np.uint16)))
    expected = np.repeat((values.astype(np.uint16) >> 8)[..., None], 3, axis=2)
    np.testing.assert_array_equal(found, expected)
    assert found.max() == 255 and len(np.unique(found)) > 40
    for wide in (values.astype(np.int32), values.astype(np.float32)):
        with pytest.raises(ValueError, match="8 or 16 bits a channel.* Got: mode [IF]"):
            as_rgb(Image.fromarray(wide))


def test_transparent_images_of_pillow():
    Image = pytest.importorskip("PIL.Image")
    alpha = np.full((6, 7), 255, np.uint8)
    alpha[:3] = 0
    picture = Image.fromarray(np.dstack([COLOR, alpha]))
    keyed = Image.fromarray(COLOR).quantize(200)
    keyed.info["transparency"] = keyed.getpixel((0, 0))
    for image in (picture, picture.convert("RGBa"), picture.convert("LA")):
        assert (as_rgb(image)[:3] == 255).all() and (as_rgb(image)[3:] != 255).any()
    assert (as_rgb(keyed)[0, 0] == 255).all()
    np.testing.assert_array_equal(as_rgb(picture)[3:], COLOR[3:])


def test_a_truncated_image_of_pillow_is_refused(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="image 1: not an image that Pillow can read"):
        as_rgb(Image.open(tmp_path / "a.jpg"), name="image 1: ")


def test_tensors_are_arrays():
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(as_rgb(torch.from_numpy(COLOR)), COLOR)


def test_batches_of_crops():
    crops = RNG.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(crops_of(crops.astype(np.float32), 8), crops)
    for empty in ([], np.empty((0, 8, 8, 3)), np.empty((0, 9, 9, 3), np.uint8)):
        assert crops_of(empty, 8).shape == (0, 8, 8, 3)
    for bad in (crops[0], crops[:, :4], crops[..., 0], crops[..., :1], np.uint8(3)):
        with pytest.raises(ValueError, match=r"must be an array of \(faces, 8, 8, 3\)"):
            crops_of(bad, 8)
    with pytest.raises(ValueError, match="crops must have values from 0 to 255; multiply by 255"):
        crops_of(crops / 255, 8)
    with pytest.raises(TypeError, match="crops must be an array of numbers. Got: None"):
        crops_of(None, 8)
