"""What is written for one photograph."""

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
        output: path of the files without their suffixes.
        formats: names from `IMAGE_FORMATS`. A `.pts` file holds one face: those of the second on
            are called `<output>.face2.pts` and so on.
        name: of the photograph, written into the JSON file.
        picture: (height, width, 3) uint8 RGB.
        faces: `DetectedFace`s. Without one the PNG is the photograph, the lists are empty, and
            there is no `.pts` file.
        marks: the `Marks` of the PNG; None draws only the landmarks.

    Returns:
        The paths written, in the formats' order.

    Raises:
        ValueError: a file cannot be written.

    Examples:
        >>> write_image("out/photo", ("png", "json"), "photo.jpg", picture, faces)
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
