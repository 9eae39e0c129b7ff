"""What the package does to a TFLite file's flatbuffer beside its metadata."""

import numpy as np

# Scales of weights that are all zero.
_TINY = 1e-9
# From this version on FULLY_CONNECTED takes float inputs and weights with a scale for each row.
_HYBRID_VERSION = 12
# The first release that runs it, as the converter notes it for its own "dynamic" files.
_HYBRID_RUNTIME = b"2.17.0"


def head_outputs(content, kernels):
    """Names of the outputs of the operations from some FULLY_CONNECTED to the end.

    Args:
        content: bytes of a float32 model.
        kernels: (inputs, outputs) kernels of the first of these operations.

    Returns:
        A list of tensor names.
    """
    model, graph = _open(content)
    writers = {int(output): op for op in graph.operators for output in op.outputs}
    needed, names = list(graph.outputs), []
    while needed:
        op = writers.pop(int(needed.pop()), None)
        if op is None:
            continue
        names += [graph.tensors[output].name.decode() for output in op.outputs]
        weights = _dense_weights(model, graph, op)
        first = weights is not None and any(np.array_equal(weights.T, k) for k in kernels)
        if not first:
            needed.extend(op.inputs)
    return names


def dense_to_int8(content):
    """Gives every float FULLY_CONNECTED weights in int8, with a scale for each output.

    Its inputs and outputs stay float; the kernel quantizes the input as it comes.

    Args:
        content: bytes of a model.

    Returns:
        bytes of the smaller model.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model, graph = _open(content)
    for op in graph.operators:
        weights = _dense_weights(model, graph, op)
        if weights is None:
            continue
        scale = np.maximum(np.abs(weights).max(axis=1), _TINY) / 127
        tensor = graph.tensors[op.inputs[1]]
        tensor.type = schema.TensorType.INT8
        # Before 2.21 the classes of TensorFlow's schema take no arguments.
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scale.astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(len(scale), np.int64)
        rounded = np.round(weights / scale[:, None]).astype(np.int8)
        model.buffers[tensor.buffer].data = np.frombuffer(rounded.tobytes(), np.uint8)
        op.builtinOptions.asymmetricQuantizeInputs = True
        code = model.operatorCodes[op.opcodeIndex]
        code.version = max(code.version, _HYBRID_VERSION)
    for entry in model.metadata:
        if entry.name == b"min_runtime_version":
            text = _HYBRID_RUNTIME.ljust(16, b"\0")
            model.buffers[entry.buffer].data = np.frombuffer(text, np.uint8)
    return _bytes(model)


def tidy(content, output="landmarks"):
    """The same model with names for its input and output, smaller and faster to start.

    Names of fused tensors are cut to their first part: they are 1 % of an int8 file. The cast of
    camera bytes comes before the unpacking of float16 weights: XNNPACK takes the operations in
    their order, and the cast, which it leaves to the interpreter, would split them in two.

    Args:
        content: bytes of a model.
        output: what apps call the output by.

    Returns:
        bytes of the tidied model.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model, graph = _open(content)
    for tensor in graph.tensors:
        tensor.name = tensor.name.split(b";")[0]
    model.signatureDefs = [_signature(graph, output)]
    cast = schema.BuiltinOperator.CAST
    graph.operators.sort(key=lambda op: model.operatorCodes[op.opcodeIndex].builtinCode != cast)
    return _bytes(model)


def _signature(graph, output):
    """What apps call input and output by: image, and landmarks or score."""
    from tensorflow.lite.python import schema_py_generated as schema

    def named(name, tensor):
        tensor_map = schema.TensorMapT()
        tensor_map.name, tensor_map.tensorIndex = name, int(tensor)
        return tensor_map

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [named("image", graph.inputs[0])]
    signature.outputs = [named(output, graph.outputs[0])]
    return signature


def _open(content):
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    return model, model.subgraphs[0]


def _bytes(model):
    from tensorflow.lite.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _dense_weights(model, graph, op):
    """The constant float32 weights (outputs, inputs) of a FULLY_CONNECTED, or None."""
    from tensorflow.lite.python import schema_py_generated as schema

    if model.operatorCodes[op.opcodeIndex].builtinCode != schema.BuiltinOperator.FULLY_CONNECTED:
        return None
    tensor = graph.tensors[op.inputs[1]]
    data = model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None:
        return None
    return np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
