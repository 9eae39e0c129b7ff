"""Changes to the flatbuffer of a TFLite file.

The classes of the schema read and write it. `flatbuffer_utils` in ai_edge_litert drops empty
buffers in some releases only, but the same model must always give the same bytes.
"""

import hashlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

# Minimum scale, for weights that are all zero.
_TINY = 1e-9
# First version of FULLY_CONNECTED with float inputs and a scale for each row of the weights.
_HYBRID_VERSION = 12
# First runtime that supports it, as the converter records it in "dynamic" files.
_HYBRID_RUNTIME = b"2.17.0"


def head_outputs(content, kernels, before=()):
    """Names of the outputs of all operations from given FULLY_CONNECTED ones to the end.

    Args:
        content: bytes of a float32 model.
        kernels: (inputs, outputs) kernels of the first of these operations.
        before: kernels of the last operations that are not among them.

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
        weights = _dense_weights(model, graph, op)
        if weights is not None and any(np.array_equal(weights.T, k) for k in before):
            continue
        names += [graph.tensors[output].name.decode() for output in op.outputs]
        first = weights is not None and any(np.array_equal(weights.T, k) for k in kernels)
        if not first:
            needed.extend(op.inputs)
    return names


def dense_to_int8(content):
    """Quantizes the weights of float FULLY_CONNECTED operations to int8, one scale per output.

    Inputs and outputs stay float. The kernel quantizes its input at run time.

    Args:
        content: bytes of a model.

    Returns:
        Bytes of the smaller model.
    """
    model, graph = _open(content)
    for op in graph.operators:
        weights = _dense_weights(model, graph, op)
        if weights is None:
            continue
        scale = np.maximum(np.abs(weights).max(axis=1), _TINY) / 127
        tensor = graph.tensors[op.inputs[1]]
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT(
            scale=scale.astype(np.float32), zeroPoint=np.zeros(len(scale), np.int64)
        )
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
    """Names input and output of a model, and makes it smaller and faster to start.

    The names of fused tensors, 1 % of an int8 file, are shortened to their first part. The cast of
    the uint8 input is moved before the unpacking of float16 weights. XNNPACK does not support the
    cast and takes operations in order, so that a later cast would split its part in two.

    Args:
        content: bytes of a model.
        output: name of the output for apps.

    Returns:
        Bytes of the new model.
    """
    model, graph = _open(content)
    for tensor in graph.tensors:
        tensor.name = tensor.name.split(b";")[0]
    model.signatureDefs = [_signature(graph, output)]
    cast = schema.BuiltinOperator.CAST
    graph.operators.sort(key=lambda op: model.operatorCodes[op.opcodeIndex].builtinCode != cast)
    return _bytes(model)


def _signature(graph, output):
    """The signature, which names input and output for apps: image, and landmarks or score."""
    return schema.SignatureDefT(
        signatureKey="serving_default",
        subgraphIndex=0,
        inputs=[schema.TensorMapT("image", int(graph.inputs[0]))],
        outputs=[schema.TensorMapT(output, int(graph.outputs[0]))],
    )


def add_buffer(content, name, data):
    """Adds an entry to the metadata table of a model.

    Args:
        content: bytes of a model.
        name: name of the entry.
        data: bytes of the entry.

    Returns:
        Bytes of the new model.
    """
    model, _ = _open(content)
    model.buffers.append(schema.BufferT(data=data))
    entry = schema.MetadataT(name=name, buffer=len(model.buffers) - 1)
    model.metadata = [*(model.metadata or []), entry]
    return _bytes(model)


def graph_sha256(content):
    """The SHA-256 of what a model computes: its operations and tensors, without names and notes.

    Two files that differ in their metadata or in the converter's remarks have the same sum. So
    figures that were measured on one are true of the other.

    Args:
        content: bytes of a model.

    Returns:
        The sum in hexadecimal digits.
    """
    model, graph = _open(content)
    model.description = model.metadata = model.metadataBuffer = None
    model.signatureDefs = graph.name = None
    buffers, model.buffers = model.buffers, [schema.BufferT()]
    for tensor in graph.tensors:
        tensor.name, data = None, buffers[tensor.buffer].data
        tensor.buffer = 0 if data is None else len(model.buffers)
        model.buffers += [] if data is None else [schema.BufferT(data=data)]
    return hashlib.sha256(_bytes(model)).hexdigest()


def _open(content):
    model = schema.ModelT.InitFromPackedBuf(content)
    return model, model.subgraphs[0]


def _bytes(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _dense_weights(model, graph, op):
    """The constant float32 weights (outputs, inputs) of a FULLY_CONNECTED, or None."""
    if model.operatorCodes[op.opcodeIndex].builtinCode != schema.BuiltinOperator.FULLY_CONNECTED:
        return None
    tensor = graph.tensors[op.inputs[1]]
    data = model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None:
        return None
    return np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
