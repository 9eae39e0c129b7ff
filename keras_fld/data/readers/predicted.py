"""What `predict` writes of a photograph, as your own faces: its JSON file and its CSV file.

The photograph lies beside the file, or below its folder where the JSON file says so.
"""

from pathlib import Path

from keras_fld import schemes
from keras_fld.data.readers import sources
from keras_fld.data.readers.beside import Beside
from keras_fld.data.readers.tables import Table
from keras_fld.schemes import registry

_COLUMNS = ("frame", "time", "id", "score", "x", "y", "width", "height")
_HEAD = ",".join(_COLUMNS).encode()


def is_content(content) -> bool:
    """Whether a JSON file's content is what `predict` writes of a photograph."""
    return isinstance(content, dict) and {"image", "faces"} <= content.keys()


def is_table(data: bytes) -> bool:
    """Whether a table is what `predict` writes."""
    return data.startswith(_HEAD)


def faces_of(path, content):
    """The scheme and the records of a JSON file of `predict`.

    Raises:
        ValueError: it has no face, or is no such file.
    """
    faces, image = content["faces"], content["image"]
    if not isinstance(faces, list) or not all(isinstance(face, dict) for face in faces):
        raise ValueError("faces must be a list of dictionaries")
    if not isinstance(image, str) or not image:
        raise ValueError(f"image must be a file's name. Got: {image!r}")
    if not faces:
        raise ValueError("no face was found in the photograph")
    named = content.get("scheme")
    scheme = _by_count(faces[0].get("landmarks")) if named is None else schemes.get(named)
    image = _beside(path, image)
    return scheme, [
        (f"face {number}", {"image": image, "points": face.get("landmarks")})
        for number, face in enumerate(faces, start=1)
    ]


def rows_of(path, data, described):
    """The scheme and the records of a CSV file of `predict`.

    Args:
        path: the file.
        data: its content.
        described: the scheme beside it and its landmarks' names; None takes the package's own of so
            many landmarks.

    Raises:
        ValueError: it is of a video, or of no scheme that is known.
    """
    table = Table(data, _COLUMNS)
    count = sum(name[:1] == "x" and name[1:].isdigit() for name in table.header)
    points = [(f"x{index}", f"y{index}") for index in range(count)]
    if table.header != [*_COLUMNS, *(name for pair in points for name in pair)]:
        raise ValueError("the header must be that of predict: x0, y0, x1, y1, ... in the end")
    scheme = described[0] if described else _by_count(points)
    image = Beside(path.parent, path.suffix.lower()).photograph(path).name
    records = []
    for line, row in table.rows:
        if row["frame"].strip() != "0":
            raise ValueError(f"a video's faces have no photograph. Got: frame {row['frame']!r}")
        try:
            values = [[table.number(row[name]) for name in pair] for pair in points]
        except (KeyError, ValueError):
            raise ValueError(f"line {line}: every landmark must be two numbers") from None
        records.append((f"line {line}", {"image": image, "points": values}))
    return scheme, records


def _by_count(points):
    count = len(points) if isinstance(points, list) else 0
    scheme = registry.with_landmarks(count)
    if scheme is None:
        raise ValueError(f"none of the package's schemes has {count} landmarks")
    return scheme


def _beside(path, image):
    """A photograph's name in the folder of its file, where it lies there, or else as it is."""
    try:
        sources.inside(path.parent, image)
    except ValueError:
        last = image.replace("\\", "/").rpartition("/")[2]
        return last if last and Path(path.parent, last).is_file() else image
    return image
