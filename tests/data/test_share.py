import numpy as np
import pytest

from keras_fld.data.share import Share

CUTS = [(1, 1, 4), (2, 2, 4), (2, 4, 8), (3, 3, 6), (4, 4, 4)]  # processes, devices, batch_size


@pytest.mark.parametrize(("processes", "devices", "batch_size"), CUTS)
def test_every_face_of_a_batch_is_drawn_by_one_process_in_its_order(processes, devices, batch_size):
    def draw(keys):
        images = np.broadcast_to(np.array(keys)[:, None, None, None] + 1, (len(keys), 2, 2, 3))
        return images.astype(np.uint8), np.tile(np.array(keys, float)[:, None, None], (1, 5, 2))

    for faces in range(1, 3 * batch_size):
        for start in range(0, faces, batch_size):
            keys = np.arange(faces)[start : start + batch_size]
            shares = [Share(index, processes, devices) for index in range(processes)]
            drawn = [share.draw(draw, keys, batch_size) for share in shares]
            assert len({len(images) for images, _ in drawn}) == 1, "JAX wants equal parts"
            images, landmarks = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
            rows = len(images)
            assert rows % devices == 0
            assert shares[0].real(rows, faces, batch_size) == len(keys)
            np.testing.assert_array_equal(landmarks[: len(keys), 0, 0], keys)
            assert np.isnan(landmarks[len(keys) :]).all() and not images[len(keys) :].any()


def test_a_row_that_is_no_face_weighs_nothing():
    def draw(keys):
        count = len(keys)
        return np.ones((count, 2, 2, 3), np.uint8), np.ones((count, 5, 2)), np.ones((count, 5))

    images, landmarks, weights = Share(0, 1, 4).draw(draw, np.arange(3), 8)
    assert len(images) == len(landmarks) == len(weights) == 4
    assert weights.sum(axis=1).tolist() == [5, 5, 5, 0] and np.isnan(landmarks[3]).all()


def test_a_batch_that_cannot_be_cut_is_refused():
    with pytest.raises(ValueError, match="batch_size must be a multiple of .*, 4. Got: 6"):
        Share(0, 2, 4).check(6)
