"""Files that are copied from the package as they are; neither Keras nor TensorFlow is needed."""

from collections.abc import Iterable
from pathlib import Path

from keras_fld import zoo
from keras_fld._internal.files import replacing, sha256
from keras_fld.lite import modes

# Of BlazeFace's files, as the NOTICE beside them says.
DETECTOR_LICENSE = "Apache-2.0"


def contents(preset: str) -> dict[str, bytes]:
    """A preset's own files: mode to content.

    Args:
        preset: its name.
    """
    trained = zoo.qat_content(preset)
    own = {} if trained is None else {modes.QAT: trained}
    return {**own, "int8": zoo.lite_file(preset).read_bytes()}


def only(preset: str | None, names: Iterable[str]) -> bool:
    """Whether some modes of a preset are its own files, all of them.

    Args:
        preset: its name; None for a model that is no preset.
        names: the modes; none stand for all that there are.
    """
    names = set(names)
    return bool(names) and preset is not None and names <= set(contents(preset))


def copy_detector(folder: str | Path) -> list[dict]:
    """Copies BlazeFace's files, unchanged.

    Args:
        folder: where they go.

    Returns:
        One dictionary for each: file, sha256, bytes, license.
    """
    # Here: every command loads this module, and few need OpenCV.
    from keras_fld.predict.detectors.blazeface import network

    rows = []
    for name, _ in network.FILES.values():
        content = Path(network.__file__).with_name(name).read_bytes()
        with replacing(Path(folder) / name) as temporary:
            temporary.write_bytes(content)
        about = {"file": name, "sha256": sha256(Path(folder) / name), "bytes": len(content)}
        rows.append(about | {"license": DETECTOR_LICENSE})
    return rows
