"""Reader of the JSON and CSV files that `predict` writes for a photograph.

The photograph is in the folder of the file, or in a subfolder if the JSON file says so.
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
    """Whether the content of a JSON file is a result of `predict` for a photograph."""
    return isinstance(content, dict) and {"image", "faces"} <= content.keys()


def is_table(data: bytes) -> bool:
    """Whether a table is a result of `predict`."""
    return data.startswith(_HEAD)


def faces_of(path, content):
    """Returns the scheme and the records of a JSON file of `predict`.

    Raises:
        ValueError: the file contains no face, or is not a result of `predict`.
    """
    faces, image = content["faces"], content["image"]
    if not isinstance(faces, list) or not all(isinstance(face, dict) for face in faces):
        raise ValueError("faces must be a list of dictionaries")
    if not isinstance(image, str) or not image:
        raise ValueError(f"image must be a file name. Got: {image!r}")
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
    """Returns the scheme and the records of a CSV file of `predict`.

    Args:
        path: the file.
        data: its content.
        described: scheme in the file next to it, and the names of its landmarks; None uses the
            package's scheme with that number of landmarks.

    Raises:
        ValueError: the file is of a video, or the scheme is unknown.
    """
    table = Table(data, _COLUMNS)
    count = sum(name[:1] == "x" and name[1:].isdigit() for name in table.header)
    points = [(f"x{index}", f"y{index}") for index in range(count)]
    if table.header != [*_COLUMNS, *(name for pair in points for name in pair)]:
        raise ValueError("the header must be that of predict, which ends in x0, y0, x1, y1, ...")
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
    """Returns a photograph's name relative to its file's folder, if it is there."""
    try:
        sources.inside(path.parent, image)
    except ValueError:
        last = image.replace("\\", "/").rpartition("/")[2]
        return last if last and Path(path.parent, last).is_file() else image
    return image
