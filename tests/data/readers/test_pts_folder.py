import numpy as np
import pytest

from keras_fld.data import read, synthetic
from keras_fld.data.readers.pts import read_pts


def test_a_folder_of_pts_files_is_read(tree):
    found = read("pts", tree / "afw")
    assert len(found) == 8 and found.scheme.name == "ibug68"
    assert found.faces[3].name == "image_0003"
    np.testing.assert_allclose(
        found.faces[3].landmarks, synthetic.draw(3, size=96).landmarks, atol=1e-2
    )
    assert {face.group for face in found.faces} == {"image"}


def test_it_refuses_what_is_not_one(tree, own_tree):
    with pytest.raises(ValueError, match="the train split needs .pts files"):
        read("pts", tree)
    with pytest.raises(ValueError, match="split of pts must be one of train"):
        read("pts", tree / "afw", "test")
    image = own_tree / "afw/image_0002.png"
    image.unlink()
    with pytest.raises(ValueError, match="image_0002.pts: no image"):
        read("pts", own_tree / "afw")
    found = read("pts", own_tree / "afw", skip_bad=True)
    assert len(found) == 7 and len(found.skipped) == 1


@pytest.mark.parametrize("ending", [".png", ".pts"])
def test_a_symbolic_link_out_of_the_folder_is_refused(own_tree, tmp_path_factory, ending):
    file = own_tree / f"afw/image_0002{ending}"
    outside = tmp_path_factory.mktemp("elsewhere") / file.name
    file.rename(outside)
    file.symlink_to(outside)
    for dataset, root in (("pts", own_tree / "afw"), ("300w", own_tree)):
        rule = rf"image_0002\{ending}: a symbolic link must not lead out of its folder"
        with pytest.raises(ValueError, match=rule):
            read(dataset, root, "train")
        assert len(read(dataset, root, "train", skip_bad=True).skipped) == 1
    # A folder of the tree may be elsewhere, where its owner has put it.
    file.unlink()
    outside.rename(file)
    (own_tree / "afw").rename(outside.with_name("afw"))
    (own_tree / "afw").symlink_to(outside.with_name("afw"))
    assert len(read("pts", own_tree / "afw")) == 8


def test_the_scheme_decides_how_many_points_a_file_must_have(tree):
    path = next((tree / "afw").glob("*.pts"))
    assert len(read_pts(path)) == 68
    with pytest.raises(ValueError, match=r"\.pts"):
        read("pts", tree / "afw", scheme=98)
