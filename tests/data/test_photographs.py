"""Crops decoded on demand, and reduced decoding of JPEG files."""

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from keras_fld._internal.images import read_image, read_reduced
from keras_fld.data import crops, load, read
from keras_fld.data.batches import TrainingBatches
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.photographs import training_photographs
from keras_fld.geometry.frame import FaceCrop, transform
from keras_fld.schemes import IBUG68


def _disc(center, radius, width=803, height=641):
    """A photograph of a bright disc, with odd dimensions."""
    image = np.zeros((height, width, 3), np.uint8)
    place = tuple(np.round(np.multiply(center, 256)).astype(int).tolist())
    cv2.circle(image, place, round(radius * 256), (255, 255, 255), -1, cv2.LINE_AA, shift=8)
    return image


def _centroid(image):
    weight = image[..., 1].astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize(("scale", "factor"), [(0.6, 1), (0.5, 2), (0.3, 2), (0.2, 4), (0.1, 8)])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_reduced_photograph_shows_things_where_its_matrix_says(tmp_path, suffix, scale, factor):
    center = (417.3, 322.8)
    path = tmp_path / f"disc{suffix}"
    cv2.imwrite(str(path), _disc(center, 90), [cv2.IMWRITE_JPEG_QUALITY, 98])
    image, to_photo = read_reduced(path, scale)
    assert to_photo[0, 0] == (factor if suffix == ".jpg" else 1)
    np.testing.assert_allclose(transform(_centroid(image), to_photo), center, atol=0.05)


@pytest.mark.parametrize("side", [70.0, 160.0, 330.0, 560.0])
def test_a_crop_on_demand_shows_the_landmarks_where_they_are(tmp_path, side):
    center = np.array([401.7, 318.2])
    path = tmp_path / "disc.jpg"
    cv2.imwrite(str(path), _disc(center, side / 4), [cv2.IMWRITE_JPEG_QUALITY, 98])
    landmarks = np.full((68, 2), center, np.float32)
    face = Face("disc", path, landmarks, np.array([*(center - side / 2), side, side]), "disc")
    faces = FaceSet("disc", IBUG68, [face])
    data, whole = training_photographs(faces, FaceCrop()), crops.training_crops(faces, FaceCrop())
    np.testing.assert_array_equal(data.landmarks, whole.landmarks)
    assert data.images.shape == whole.images.shape and data.images[0].dtype == np.uint8
    np.testing.assert_allclose(_centroid(data.images[0]), data.landmarks[0, 0], atol=0.1)
    difference = np.abs(data.images[0].astype(int) - whole.images[0])
    assert difference.mean() < 1


def test_without_reduction_it_is_the_crop_in_memory(tree):
    """PNG files are read whole, so that nothing differs."""
    faces = read("300w", tree, "train")
    data, whole = training_photographs(faces, FaceCrop()), crops.training_crops(faces, FaceCrop())
    for i in range(len(whole)):
        np.testing.assert_array_equal(data.images[i], whole.images[i])
    for (a, p), (b, q) in zip(TrainingBatches(data, 5), TrainingBatches(whole, 5), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(p, q)


def test_load_decodes_on_demand_when_asked(tree):
    a, b = (load("300w", tree, batch_size=5, in_memory=flag) for flag in (True, False))
    for (images, points), (others, theirs) in zip(a, b, strict=True):
        np.testing.assert_array_equal(np.asarray(images), np.asarray(others))
        np.testing.assert_array_equal(np.asarray(points), np.asarray(theirs))


def test_images_made_by_a_function_and_bad_files(tree, tmp_path):
    faces = read("300w", tree, "train")
    made = [replace(f, source=partial(read_image, f.source)) for f in faces.faces]
    data = training_photographs(replace(faces, faces=made), FaceCrop())
    whole = crops.training_crops(faces, FaceCrop())
    np.testing.assert_array_equal(data.images[3], whole.images[3])
    (tmp_path / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.raises(ValueError, match="half.jpg: not an image that can be read"):
        read_reduced(tmp_path / "half.jpg", 0.3)
    gone = replace(faces.faces[0], source=tmp_path / "gone.jpg")
    data = training_photographs(replace(faces, faces=[gone]), FaceCrop())
    with pytest.raises(ValueError, match="gone.jpg: No such file"):
        list(TrainingBatches(data, 1))
