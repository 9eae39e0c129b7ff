"""Files that are copied from the package, which needs neither Keras nor TensorFlow."""

from collections.abc import Iterable
from pathlib import Path

from keras_fld._internal.files import replacing, sha256

# License of BlazeFace's files, see the NOTICE next to them.
DETECTOR_LICENSE = "Apache-2.0"


# The mode of the file that the package has of each preset.
MODE = "int8"


def only(preset: str | None, names: Iterable[str]) -> bool:
    """Whether all requested files are in the package.

    Args:
        preset: name of the preset, or None for another model.
        names: the requested modes. Empty stands for all modes.
    """
    return preset is not None and set(names) == {MODE}


def copy_detector(folder: str | Path) -> list[dict]:
    """Copies BlazeFace's files, unchanged.

    Args:
        folder: the folder to copy them to.

    Returns:
        One dictionary per file: file, sha256, bytes, license.
    """
    # Imported here, since all commands load this module and few need OpenCV.
    from keras_fld.predict.detectors.blazeface import network

    rows = []
    for name, _ in network.FILES.values():
        content = Path(network.__file__).with_name(name).read_bytes()
        with replacing(Path(folder) / name) as temporary:
            temporary.write_bytes(content)
        about = {"file": name, "sha256": sha256(Path(folder) / name), "bytes": len(content)}
        rows.append(about | {"license": DETECTOR_LICENSE})
    return rows
