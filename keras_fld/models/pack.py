"""A trained model as a preset's file: `python -m keras_fld.models.pack MODEL.keras OUT.keras`.

The package carries several networks, so weights are rounded to the digits of half precision and the
archive is compressed: less than half the size, opened by Keras as any other, the oldest release
that the package supports included.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np

from keras_fld._internal.files import replacing

# Binary digits of a weight that are kept, float16's; its exponent stays float32's.
DIGITS = 11

# Arguments of layers and initializers that came after Keras 3.12, and their defaults.
NEWER = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def rounded(weights):
    """Floats rounded to `DIGITS` binary digits, so that their last bytes compress to nothing.

    Examples:
        >>> float(rounded(np.float32(1 + 2**-12)))
        1.0
    """
    fraction, exponent = np.frexp(weights)
    return np.ldexp(np.round(fraction * 2**DIGITS) / 2**DIGITS, exponent).astype(weights.dtype)


def pack(model, path):
    """Writes a model with rounded weights as a compressed `.keras` file, without optimizer state.

    Args:
        model: a Keras model; its weights are rounded in place.
        path: the file to write.

    Raises:
        ValueError: the path does not end in .keras, or cannot be written.

    Examples:
        >>> pack(keras_fld.load_model("run/model.keras"), "preset.keras")
    """
    from keras_fld.models.saving import save

    if Path(path).suffix != ".keras":
        raise ValueError(f"a preset's Keras file must end in .keras. Got: {path}")
    model.set_weights([rounded(weights) for weights in model.get_weights()])
    with replacing(path) as temporary:
        save(model, temporary)
        with zipfile.ZipFile(temporary) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        config = _for_older_keras(json.loads(parts["config.json"]))
        parts["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_BZIP2, compresslevel=9) as archive:
            for name, data in parts.items():
                archive.writestr(name, data)


def _for_older_keras(node):
    """Keras' description of a model without what the oldest release that is supported refuses."""
    if isinstance(node, list):
        return [_for_older_keras(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _for_older_keras(value)
        for key, value in node.items()
        if key not in NEWER or value != NEWER[key]
    }


if __name__ == "__main__":
    from keras_fld import models

    if len(sys.argv) != 3:
        sys.exit("usage: python -m keras_fld.models.pack MODEL.keras OUT.keras")
    pack(models.load_model(sys.argv[1]), sys.argv[2])
