"""Output files of one photograph."""

from pathlib import Path

from keras_fld._internal.files import replacing, write_json
from keras_fld._internal.images import save_image
from keras_fld.data.readers.pts import write_pts
from keras_fld.predict.output.marks import Marks
from keras_fld.predict.output.rows import CsvRows, JsonLines, degrees, scheme_name

IMAGE_FORMATS = ("png", "json", "pts", "csv", "jsonl")


def write_image(output, formats, name, picture, faces, marks=None):
    """Writes the faces of one photograph.

    Args:
        output: path of the files without suffix.
        formats: names from `IMAGE_FORMATS`. A `.pts` file holds one face. The files of further
            faces are named `<output>.face2.pts` and so on.
        name: name of the photograph in the JSON file.
        picture: (height, width, 3) uint8 RGB.
        faces: a list of `DetectedFace`. If it is empty, the PNG is the photograph, the other files
            contain no face, and no `.pts` file is written.
        marks: the `Marks` of the PNG; None draws only the landmarks.

    Returns:
        The paths of the written files, in the order of the formats.

    Raises:
        ValueError: a file cannot be written.

    Examples:
        >>> write_image("out/photo", ("png", "json"), "photo.jpg", image, [face])
    """
    output, written = Path(output), []
    for suffix in formats:
        path = output.with_name(f"{output.name}.{suffix}")
        if suffix == "png":
            save_image(path, (marks or Marks()).draw(picture, faces))
        elif suffix == "json":
            write_json(path, _content(name, faces))
        elif suffix == "pts":
            written += _write_points(output, faces)
            continue
        else:
            kind = {"csv": CsvRows, "jsonl": JsonLines}[suffix]
            with replacing(path) as temporary, kind(temporary, path) as rows:
                rows.write(0, 0.0, faces)
        written.append(path)
    return written


def _content(name, faces):
    return {
        "image": str(name),
        "scheme": scheme_name(faces),
        "faces": [
            {
                "box": f.box,
                "angle": degrees(f),
                "score": None if f.score is None else round(f.score, 4),
                "landmarks": f.landmarks.round(3),
            }
            for f in faces
        ],
    }


def _write_points(output, faces):
    paths = []
    for place, face in enumerate(faces, 1):
        path = output.with_name(output.name + (f".face{place}" if place > 1 else "") + ".pts")
        with replacing(path) as temporary:
            write_pts(temporary, face.landmarks)
        paths.append(path)
    return paths
