import cv2
import numpy as np
import pytest

from keras_fld.data import synthetic
from keras_fld.data.images import read_image


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_pixels_come_back_in_rgb(tmp_path, suffix):
    image = synthetic.draw(0).image
    path = tmp_path / f"face{suffix}"
    cv2.imwrite(str(path), image[..., ::-1])
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.95])
def test_half_an_image_is_one_named_error_and_nothing_is_printed(tmp_path, capfd, suffix, share):
    content = cv2.imencode(suffix, synthetic.draw(0).image)[1].tobytes()
    path = tmp_path / f"half{suffix}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="not an image that can be read") as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_grey_image_has_three_channels_and_a_folder_is_no_image(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 5), 9, np.uint8))
    assert read_image(tmp_path / "grey.png").shape == (4, 5, 3)
    with pytest.raises(ValueError, match="Is a directory"):
        read_image(tmp_path)
