"""Reader of any folder of photographs with a `.pts` file beside each."""

import re

from keras_fld import schemes
from keras_fld._internal.files import FileError
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.pts import read_pts
from keras_fld.geometry.frame import landmark_box

IMAGES = (".jpg", ".png", ".jpeg", ".JPG", ".PNG")


def read(root, split="train", skip_bad=False, scheme="ibug68"):
    """Reads the faces of a folder, all of them for training.

    Args:
        root: the folder; files whose names differ in a last number alone, such as `anna_00` and
            `anna_01`, are one person or photograph.
        split: must be "train".
        skip_bad: leave bad files out and list them, instead of stopping at the first.
        scheme: of the landmarks: a `Scheme`, its name or its number of landmarks.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: there is no `.pts` file.
        ValueError: a file is bad.

    Example:
        >>> faces = read("ytf")
    """
    root, scheme = sources.check_split("pts", root, split, ("train",)), schemes.get(scheme)

    def face(path):
        return beside(path, path.stem, re.sub(r"_\d+$", "", path.stem), scheme)

    faces, _, skipped = sources.collect(sorted(root.glob("*.pts")), face, skip_bad, root)
    sources.check_some(root, faces, skipped, "the train split needs .pts files. Got: none")
    return FaceSet("pts train", scheme, faces, [], skipped)


def beside(path, name, group, scheme):
    """The face of a `.pts` file and the image beside it.

    Raises:
        ValueError: there is no image, the file is bad, or one of them is a link out of the folder.
    """
    image = next((p for s in IMAGES if (p := path.with_suffix(s)).is_file()), None)
    if image is None:
        raise FileError(path, f"no image ({', '.join(IMAGES[:3])}) beside it")
    for file in (path, image):
        sources.check_link(file, path.parent)
    landmarks = read_pts(path, scheme.num_landmarks)
    try:
        box = landmark_box(landmarks)
    except ValueError as error:
        raise FileError(path, str(error)) from error
    return Face(name, image, landmarks, box, group)
