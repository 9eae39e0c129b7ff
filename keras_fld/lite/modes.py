"""The quantization modes: one function each, from a folded Keras model to a TFLite file.

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
    """A quantization mode.

    Args:
        convert: function of the folded model and the calibration crops to the bytes of the file.
        calibrated: whether it needs calibration crops.
    """

    convert: Callable
    calibrated: bool


def float32(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights and arithmetic in float32, the reference for the other modes."""
    # The cast of the uint8 input is the only operation before the first convolution.
    import tensorflow as tf

    return _converter(exported, tf.uint8).convert()


def float16(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights in float16, for half the file size; arithmetic in float32, or float16 on a GPU."""
    import tensorflow as tf

    converter = _converter(exported, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def dynamic(exported: "keras.Model", crops: np.ndarray | None = None) -> bytes:
    """Weights in int8. Each operation quantizes its input at run time, without calibration."""
    import tensorflow as tf

    converter = _converter(exported, tf.uint8)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def int8(exported: "keras.Model", crops: np.ndarray) -> bytes:
    """int8 up to the features, then a float32 output layer with int8 weights.

    An int8 output for a 64-pixel crop would have a resolution of only a quarter of a pixel.
    """
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    from keras_fld.lite import flatbuffer  # imported here, because --help needs the modes only

    head = flatbuffer.head_outputs(
        float32(exported), _first_kernels(exported), _mixing_kernels(exported)
    )
    converter = _calibrated(exported, crops)
    with _without_known_warnings():
        # Only the debugger can exclude operations from quantization.
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=converter.representative_dataset,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=head),
        )
        content = debugger.get_nondebug_quantized_model()
    # The debugger drops the input type; this is the last step of the converter itself.
    return flatbuffer.dense_to_int8(modify_model_io_type(content, tf.uint8, tf.float32))


def int8_full(exported: "keras.Model", crops: np.ndarray) -> bytes:
    """int8 from input to output, for NPUs and microcontrollers without float arithmetic."""
    import tensorflow as tf

    converter = _calibrated(exported, crops)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with _without_known_warnings():
        return converter.convert()


def int8_qat(exported: Any) -> bytes:
    """Like "int8", with the ranges of quantization-aware training. `lite.qat` provides the network.

    It is not one of `MODES`, because it needs training.
    """
    import tensorflow as tf
    from tensorflow.lite.python.util import modify_model_io_type

    from keras_fld.lite import flatbuffer  # imported here, because --help needs the modes only

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
# The mode of quantization-aware training.
QAT = "int8_qat"
NAMES = (*MODES, QAT)


def get(name: str) -> Mode:
    """Returns a mode that needs no training; raises a ValueError if there is none of that name."""
    if name == QAT:
        raise ValueError(f"mode {QAT} needs training: use keras-fld qat, or keras_fld.lite.qat")
    if name not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}. Got: {name!r}")
    return MODES[name]


def _converter(exported, dtype):
    """A converter for a function of one crop of type `dtype`."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(exported.input_shape, dtype, name="image")])
    def serve(image):
        return exported(tf.cast(image, tf.float32), training=False)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [serve.get_concrete_function()], exported
    )
    # Gives the same file ten times faster than through a saved model.
    converter.experimental_lower_to_saved_model = False
    return converter


def _calibrated(exported, crops):
    """A converter to int8 that is calibrated on crops."""
    import tensorflow as tf

    converter = _converter(exported, tf.float32)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([crop[None]] for crop in crops)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


@contextmanager
def _without_known_warnings():
    with warnings.catch_warnings():
        # Calibration uses TensorFlow's own interpreter, and takes the statistics from the crops.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        yield


def _first_kernels(exported):
    """Kernels of the first operations of the output layer, where float begins."""
    from keras_fld.models import graph
    from keras_fld.models.windows import WindowedOffsets

    dense = graph.output_dense(exported, linear=False)
    if dense is None:
        raise ValueError(
            "mode int8 keeps the last Dense in float, but the model does not end in a Dense. Use "
            f"int8_full, dynamic or float16. Got: {exported.name!r}"
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
