"""Keras models to TFLite files for a phone."""

import tempfile
import warnings
from contextlib import contextmanager

import numpy as np

import keras_fld
from keras_fld.files import replacing
from keras_fld.lite import metadata

MODES = ("float32", "int8")
# Crops for the ranges of activations; more moved no range of TRNet-20 noticeably.
CALIBRATION_CROPS = 300
# Operations behind the features, which int8 files keep in float; in the backbone none has these.
_HEAD_OPERATIONS = ["FULLY_CONNECTED", "RESHAPE", "TRANSPOSE", "CONCATENATION", "GATHER"]


def convert(model, path, mode="int8", calibration=None):
    """Writes a model as a TFLite file that takes camera bytes and gives landmarks.

    Input is (1, size, size, 3) uint8 RGB, output (1, landmarks, 2) float32 pixels of the crop, in
    built-in operations only. The division by 255 is folded into the first convolution and the mean
    shape into the last Dense, so neither costs an operation. The file carries its frame and scheme.

    Args:
        model: a Keras model of the package.
        path: the `.tflite` file to write.
        mode: "float32", or "int8", which keeps the last Dense in float: in pixels its 8-bit output
            would have a grid of a quarter of a pixel.
        calibration: for int8, unaugmented training crops: a (faces, size, size, 3) array, or a
            dataset of (images, ...) batches; the first 300 are used.

    Returns:
        The path.

    Raises:
        ValueError: an unknown mode, int8 without calibration crops, crops of another size, or
            another Keras backend than TensorFlow.

    Example:
        >>> convert(model, "face.tflite", mode="int8", calibration=plain)
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}. Got: {mode!r}")
    import keras
    import tensorflow as tf

    from keras_fld import models, schemes

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "conversion needs the TensorFlow backend: set KERAS_BACKEND=tensorflow. "
            f"Got: {keras.backend.backend()}"
        )
    frame, scheme = models.frame_of(model), models.scheme_of(model)
    crops = _calibration_crops(calibration, frame) if mode == "int8" else None
    exported = export_model(model)
    content = _quantized(tf, exported, crops) if mode == "int8" else _float(tf, exported)
    content = metadata.write(
        content,
        {
            "version": keras_fld.__version__,
            "mode": mode,
            "scheme": scheme and schemes.reference(scheme),
            "input": {"size": frame.size, "margin": frame.margin, "color": "RGB"},
        },
    )
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def export_model(model):
    """The same function in fewer operations, for a batch of one crop.

    Args:
        model: a Keras model of the package.

    Returns:
        A Keras model whose first convolution divides by 255 and whose last Dense gives pixels.
    """
    import keras

    from keras_fld.models.layers import shape_layer
    from keras_fld.models.windows import WindowedOffsets

    shape = shape_layer(model)
    landmarks = shape.mean_shape.shape

    def plain(layer):
        if layer.name == "rescale":
            return keras.layers.Identity(name="rescale")
        if layer is shape:
            return keras.layers.Reshape(landmarks, name=shape.name)
        return layer.__class__.from_config(layer.get_config())

    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    clone = keras.models.clone_model(model, clone_function=plain, input_tensors=image)
    for layer in model.layers:
        if layer.weights:
            clone.get_layer(layer.name).set_weights(layer.get_weights())
    first = next(x for x in clone.layers if isinstance(x, keras.layers.Conv2D))
    first.set_weights([first.get_weights()[0] / 255, *first.get_weights()[1:]])
    dense = clone.get_layer("offsets")
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * shape.scale, bias * shape.scale + shape.mean_shape.ravel()])
    for layer in clone.layers:
        if isinstance(layer, WindowedOffsets):
            for name in layer.patches:
                window, kernel, bias = layer.get_patch(name)
                layer.set_patch(name, window, kernel * shape.scale, bias * shape.scale)
    return clone


def _calibration_crops(calibration, frame):
    """The first crops of an array or dataset: (crops, size, size, 3) float32."""
    if calibration is None:
        raise ValueError("int8 needs calibration crops: pass calibration=. Got: None")
    if not hasattr(calibration, "shape"):
        batches, count = [], 0
        for batch in calibration:
            images = np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
            batches.append(images)
            count += len(images)
            if count >= CALIBRATION_CROPS:
                break
        calibration = np.concatenate(batches) if batches else np.empty((0, 0, 0, 0))
    expected = (frame.size, frame.size, 3)
    if len(calibration) == 0 or tuple(calibration.shape[1:]) != expected:
        raise ValueError(
            f"calibration must be at least one crop of shape {expected}. "
            f"Got: {tuple(calibration.shape)}"
        )
    crops = np.array(calibration[:CALIBRATION_CROPS], np.float32)
    # The input's scale is exactly 1 only if the range seen is 0..255, so that bytes go in as bytes.
    crops[0, 0, 0], crops[0, 0, -1] = 0, 255
    return crops


@contextmanager
def _converter(tf, exported, dtype):
    """Converter of a function of one crop of that type, while the block lasts."""
    import keras

    archive = keras.export.ExportArchive()
    archive.track(exported)
    archive.add_endpoint(
        "serve",
        lambda image: exported(tf.cast(image, tf.float32), training=False),
        [tf.TensorSpec(exported.input_shape, dtype, name="image")],
    )
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        archive.write_out(folder, verbose=False)
        yield tf.lite.TFLiteConverter.from_saved_model(folder)


def _float(tf, exported):
    # The cast of camera bytes stays as the one operation before the first convolution.
    with _converter(tf, exported, tf.uint8) as converter:
        return converter.convert()


def _quantized(tf, exported, crops):
    from tensorflow.lite.python.util import modify_model_io_type

    def samples():
        for crop in crops:
            yield [crop[None]]

    sums = _head_sums(_float(tf, exported), exported)
    with _converter(tf, exported, tf.float32) as converter, warnings.catch_warnings():
        # The debugger calibrates with TensorFlow's own interpreter and warns of it.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # The debugger is the converter's only way to leave operations in float.
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=samples,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                denylisted_ops=_HEAD_OPERATIONS, denylisted_nodes=sums
            ),
        )
        content = debugger.get_nondebug_quantized_model()
    # The debugger forgets the input type; this is the converter's own last step.
    return modify_model_io_type(content, tf.uint8, tf.float32)


def _head_sums(content, exported):
    """Names of the outputs of sums behind the features: the backbone has sums too."""
    from ai_edge_litert.interpreter import Interpreter

    from keras_fld.models.windows import WindowedOffsets

    if not any(isinstance(layer, WindowedOffsets) for layer in exported.layers):
        return []
    interpreter = Interpreter(model_content=content)
    names = {tensor["index"]: tensor["name"] for tensor in interpreter.get_tensor_details()}
    sums = [x for x in interpreter._get_ops_details() if x["op_name"] == "ADD"]
    return [names[sums[-1]["outputs"][0]]]
