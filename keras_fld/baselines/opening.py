"""Opening the file of any baseline."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_fld.baselines.files import load

if TYPE_CHECKING:
    from keras_fld.baselines.ert import ERT
    from keras_fld.baselines.sdm import SDM


def open_baseline(path: str | Path) -> "SDM | ERT":
    """Opens the file of a baseline.

    Args:
        path: the `.npz` file.

    Returns:
        An `SDM` or `ERT`, with `frame`, `scheme`, `num_landmarks` and `predict(images)`.

    Raises:
        ValueError: the file is missing, damaged or not a baseline.
        ImportError: it is an ERT, and dlib is not installed.

    Examples:
        >>> open_baseline("sdm.npz").predict(crops).shape
        (10, 68, 2)
    """
    method, frame, scheme, arrays = load(path)
    try:
        if method == "sdm":
            from keras_fld.baselines.sdm import SDM

            model = SDM(frame, scheme, **arrays)
            if model.radii.ndim != 1 or not (model.radii > 0).all():
                raise ValueError(f"radii must be above 0. Got: {model.radii.tolist()}")
            return model
        if method == "ert":
            from keras_fld.baselines.ert import ERT

            return ERT(frame, scheme, **arrays)
    # Unknown or missing arrays, or arrays with too few dimensions.
    except (TypeError, IndexError) as error:
        raise ValueError(f"{path}: the baseline is damaged ({error})") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    raise ValueError(f"{path}: a baseline must be sdm or ert. Got: {method!r}")
