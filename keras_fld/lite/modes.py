"""The recipes of conversion: one function each, from a folded Keras model to a TFLite file.

They use TensorFlow's converter and need the TensorFlow backend.
"""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Mode:
    """A way to convert.

    Args:
        convert: from the folded model and the calibration crops to the bytes of the file.
        calibrated: whether it needs calibration crops.
    """

    convert: Callable
    calibrated: bool


def float32(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights and arithmetic in float32: the reference that the others are judged by."""
    # The cast of camera bytes stays as the one operation before the first convolution.
    import tensorflow as tf

    return _converter(exported, tf.uint8).convert()


def float16(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights in float16, half the file; arithmetic in float32, or float16 on a GPU."""
    import tensorflow as tf

    converter = _converter(exported, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def dynamic(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights in int8; each operation quantizes its input as it comes: nothing is calibrated."""
    import tensorflow as tf

    converter = _converter(exported, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def int8(exported: "keras.Model", crops: np.ndarray) -> bytes:
    """int8 up to the features, then pixels in float32: an 8-bit output of a 64-pixel crop would
    have a grid of a quarter of a pixel. The output layer's weights are int8 as well."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    from keras_fld.lite import flatbuffer  # here: every command's help names the modes

    head = flatbuffer.head_outputs(
        float32(exported), _first_kernels(exported), _mixing_kernels(exported)
    )
    converter = _calibrated(exported, crops)
    with _without_known_warnings():
        # The debugger is the converter's only way to leave operations in float.
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=converter.representative_dataset,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=head),
        )
        content = debugger.get_nondebug_quantized_model()
    # The debugger forgets the input type; this is the converter's own last step.
    return flatbuffer.dense_to_int8(modify_model_io_type(content, tf.uint8, tf.float32))


def int8_full(exported: "keras.Model", crops: np.ndarray) -> bytes:
    """int8 from input to output, for NPUs and microcontrollers that have no float arithmetic."""
    import tensorflow as tf

    converter = _calibrated(exported, crops)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with _without_known_warnings():
        return converter.convert()


def int8_qat(exported: Any) -> bytes:
    """int8 up to the features as in mode "int8", rounded as quantization-aware training has learnt:
    `lite.qat` gives the network. It is not among `MODES`, for it needs training."""
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    from keras_fld.lite import flatbuffer  # here: every command's help names the modes

    converter = _converter(exported, tf.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with _without_known_warnings():
        content = converter.convert()
    return flatbuffer.dense_to_int8(modify_model_io_type(content, tf.uint8, tf.float32))


MODES = {
    "float32": Mode(float32, False),
    "float16": Mode(float16, False),
    "dynamic": Mode(dynamic, False),
    "int8": Mode(int8, True),
    "int8_full": Mode(int8_full, True),
}
# The mode that training ends in.
QAT = "int8_qat"
NAMES = (*MODES, QAT)


def get(name: str) -> Mode:
    """Finds a mode that needs no training by its name; raises ValueError where there is none."""
    if name == QAT:
        raise ValueError(f"mode {QAT} needs training: use keras-fld qat, or keras_fld.lite.qat")
    if name not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}. Got: {name!r}")
    return MODES[name]


def _converter(exported, dtype):
    """Converter of a function of one crop of that type."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(exported.input_shape, dtype, name="image")])
    def serve(image):
        return exported(tf.cast(image, tf.float32), training=False)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [serve.get_concrete_function()], exported
    )
    # The same file without the way through a saved model, which takes ten times as long.
    converter.experimental_lower_to_saved_model = False
    return converter


def _calibrated(exported, crops):
    """Converter to int8 that learns the ranges on crops."""
    import tensorflow as tf

    converter = _converter(exported, tf.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([crop[None]] for crop in crops)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


@contextmanager
def _without_known_warnings():
    with warnings.catch_warnings():
        # Calibration runs in TensorFlow's own interpreter, and the crops are the statistics.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        yield


def _first_kernels(exported):
    """Kernels of the output layer's operations that see features: what is behind stays in float."""
    from keras_fld.models import graph
    from keras_fld.models.windows import WindowedOffsets

    dense = graph.output_dense(exported, linear=False)
    if dense is None:
        raise ValueError(
            "mode int8 keeps the last Dense in float, and the model has none before its output; "
            f"convert to int8_full, dynamic or float16. Got: {exported.name!r}"
        )
    kernels = [dense.get_weights()[0]]
    for layer in exported.layers:
        if isinstance(layer, WindowedOffsets):
            windows = [layer.get_patch(name)[0] for name in layer.patches]
            kernels.append(np.concatenate(windows, axis=1))
    return kernels


def _mixing_kernels(exported):
    """Kernels that mix the feature maps which `SampledOffsets` read: the last that are int8."""
    from keras_fld.models.sampled import SampledOffsets

    return [x.get_weights()[0] for x in exported.layers if isinstance(x, SampledOffsets)]
