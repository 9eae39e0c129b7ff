"""Networks, the refined module, and saving and loading of models."""

from collections.abc import Callable

from keras_fld._internal import names
from keras_fld._internal.backend import keras
from keras_fld.models import imported
from keras_fld.models.cnn import CNN6, CNN7
from keras_fld.models.layers import ShapeOffset, frame_of, scheme_of
from keras_fld.models.own import describe, head
from keras_fld.models.refined import refine
from keras_fld.models.saving import load_model
from keras_fld.models.score import FaceScore
from keras_fld.models.transplant import transplant, transplant_body
from keras_fld.models.trnet import TRNet20, options_of

__all__ = [
    "CNN6",
    "CNN7",
    "FaceScore",
    "NETWORKS",
    "ShapeOffset",
    "TRNet20",
    "describe",
    "frame_of",
    "get",
    "head",
    "load_model",
    "options_of",
    "refine",
    "scheme_of",
    "transplant",
    "transplant_body",
]

NETWORKS: dict[str, Callable[..., keras.Model]] = dict(
    zip(names.NETWORKS, (TRNet20, CNN6, CNN7), strict=True)
)


def get(name: str) -> Callable[..., keras.Model]:
    """Finds a network.

    Args:
        name: its name in any case, such as "trnet20" or "CNN-6"; or "module:function" of a network
            of your own, see `models.imported`.

    Returns:
        The function that builds it.

    Raises:
        ValueError: there is no such network, or its module cannot be imported.

    Examples:
        >>> model = get("trnet20")(num_landmarks=68)
    """
    if ":" in str(name):
        return imported.find(str(name))
    network = NETWORKS.get(str(name).lower().replace("-", "").replace("_", ""))
    if network is None:
        raise ValueError(
            f"network must be one of {', '.join(NETWORKS)}. Got: {name!r}; one of your own is "
            "called module:function"
        )
    return network
