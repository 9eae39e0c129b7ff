"""The operations of converted files, for every network and mode."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_fld.lite import modes
from keras_fld.predict.lite_model import LiteModel

from .conftest import NETWORKS

# The other modes of these differ from those of "windows" in nothing that a mode decides.
PLAIN, DEEPER = ("pool", "flatten"), ("float16", "dynamic", "int8_full")
CASES = [
    pytest.param(
        (network, mode),
        marks=[pytest.mark.nightly] if network in PLAIN and mode in DEEPER else [],
        id=f"{network}-{mode}",
    )
    for network in NETWORKS
    for mode in modes.MODES
]
# The only operation before XNNPACK's partition: conversion of uint8 input to the mode's type.
ENTRY = {"int8": ["QUANTIZE"], "int8_full": []}
# Root mean square distance from the Keras model in pixels of the 32-pixel crop.
TOLERANCE = {"float32": 1e-4, "float16": 0.01, "dynamic": 0.15, "int8": 0.15, "int8_full": 0.3}
# int8 arithmetic ends at the output layer; windows and samples use more feature maps.
BEHIND_FEATURES = {"pool": 1, "windows": 2, "flatten": 1, "sampled": 3, "cnn6": 1}
# Operations that read a feature map at the landmarks and add up the corrections.
READING = {"ABS", "BATCH_MATMUL", "MINIMUM", "MUL", "RELU", "STRIDED_SLICE", "SUB", "SUM"}


@pytest.fixture(params=CASES)
def case(request, converted):
    network, mode = request.param
    interpreter = Interpreter(str(converted(network, mode)))
    interpreter.allocate_tensors()
    return network, mode, interpreter


def test_the_file_runs_in_one_partition_of_xnnpack(case):
    network, mode, interpreter = case
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["shape"].tolist() == [1, 32, 32, 3] and result["shape"].tolist() == [1, 68, 2]
    assert source["dtype"] == (np.int8 if mode == "int8_full" else np.uint8)
    assert result["dtype"] == (np.int8 if mode == "int8_full" else np.float32)
    if mode in ("int8", "int8_full"):
        expected = (1.0, -128 if mode == "int8_full" else 0)
        assert source["quantization"] == expected, "the input must be the bytes themselves"

    if (network, mode) == ("sampled", "int8_full"):
        return  # XNNPACK lacks int8 kernels for some of `READING`
    every = interpreter._get_ops_details()
    ops = [op for op in every if op["op_name"] != "DELEGATE"]
    (partition,) = [op for op in every if op["op_name"] == "DELEGATE"]
    assert partition["outputs"].tolist() == [result["index"]]
    entry = ENTRY.get(mode, ["CAST"])
    assert [op["op_name"] for op in ops[: len(entry)]] == entry
    written = {int(i) for op in ops for i in op["outputs"]} | {source["index"]}
    begins = ops[0]["outputs"][0] if entry else source["index"]
    assert written & {int(i) for i in partition["inputs"]} == {int(begins)}


def test_the_file_contains_only_the_operations_of_the_network(case, networks):
    network, mode, interpreter = case
    ops = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    names = [op["op_name"] for op in ops]
    entry = ENTRY.get(mode, ["CAST"])
    allowed = {"CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "RESHAPE", "DEQUANTIZE", *entry}
    if network != "cnn6":  # sums and the mean over positions; none from BatchNorm
        allowed |= {"ADD"} | ({"MEAN"} if network != "flatten" else set())
    if network == "windows":
        allowed |= {"TRANSPOSE", "STRIDED_SLICE", "CONCATENATION"}
    if network == "sampled":
        allowed |= READING
    assert set(names) <= allowed, "only built-in operations of the network"

    layers = [type(layer).__name__ for layer in networks[network].layers]
    assert names.count("CONV_2D") == layers.count("Conv2D") >= 5
    if network != "sampled":
        assert names.count("ADD") == layers.count("Add")
    assert names.count("FULLY_CONNECTED") == {"cnn6": 2, "windows": 7, "sampled": 3}.get(network, 1)
    assert names.count("QUANTIZE") == entry.count("QUANTIZE")
    written = {int(i) for op in ops for i in op["outputs"]}
    unpacked = [
        op for op in ops if op["op_name"] == "DEQUANTIZE" and int(op["inputs"][0]) in written
    ]
    assert len(unpacked) == (BEHIND_FEATURES[network] if mode == "int8" else 0)
    if mode != "float16":
        assert names.count("DEQUANTIZE") == len(unpacked)


def test_weights_have_the_type_of_the_mode(case):
    _, mode, interpreter = case
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    kinds = set()
    for op in interpreter._get_ops_details():
        if op["op_name"] in ("CONV_2D", "FULLY_CONNECTED"):
            weights = details[int(op["inputs"][1])]
            # In mode "dynamic", the converter keeps weights of fewer than 1,024 numbers in float.
            if mode != "dynamic" or np.prod(weights["shape"]) >= 1024:
                kinds.add(np.dtype(weights["dtype"]).name)
    assert kinds == {{"float32": "float32", "float16": "float32"}.get(mode, "int8")}


def test_the_file_predicts_the_same_as_the_keras_model(case, networks, converted, face_crops):
    network, mode, _ = case
    expected = networks[network].predict(face_crops, verbose=0)
    found = LiteModel(converted(network, mode)).predict(face_crops)
    spread = np.abs(expected - expected.mean(axis=0)).max()
    assert spread > 0.5, "the predictions must differ between crops"
    assert np.sqrt(np.mean((found - expected) ** 2)) < TOLERANCE[mode]


@pytest.mark.parametrize("network", [name for name in NETWORKS if name not in PLAIN])
def test_sizes_follow_the_modes(converted, network):
    size = {mode: converted(network, mode).stat().st_size for mode in modes.MODES}
    small = 0.3 if network == "cnn6" else 0.45  # in small networks, tables have a larger share
    assert size["float16"] < 0.6 * size["float32"]
    for mode in ("dynamic", "int8", "int8_full"):
        assert size[mode] < small * size["float32"]
