"""Packs a trained model as a preset: `python -m keras_fld.models.pack MODEL.keras OUT.keras`.

To keep the package small, weights are rounded to the precision of float16, and the archive is
compressed. The file is less than half as large, and Keras opens it like any other, including the
oldest supported release.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np

from keras_fld._internal.files import replacing

# Number of significant bits of a weight, as in float16. The exponent remains that of float32.
DIGITS = 11

# Arguments of layers and initializers that were added after Keras 3.12, with their defaults.
NEWER = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def rounded(weights):
    """Rounds floats to `DIGITS` significant bits, so that they compress well.

    Examples:
        >>> float(rounded(np.float32(1 + 2**-12)))
        1.0
    """
    fraction, exponent = np.frexp(weights)
    return np.ldexp(np.round(fraction * 2**DIGITS) / 2**DIGITS, exponent).astype(weights.dtype)


def pack(model, path):
    """Writes a model with rounded weights to a compressed `.keras` file, without optimizer state.

    Args:
        model: a Keras model, whose weights are rounded in place.
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
    """Removes from Keras' model configuration what the oldest supported release rejects."""
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
