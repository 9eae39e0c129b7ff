"""A model's operators: their work, files that show or end at one, and where two runs part."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from benchmark import Graph, Problem, check_model_file, still_needed

# Operators whose integer outputs may differ by one step between x86 and ARM: the order in which
# their kernels add or round is not the same.
EXCEPTIONS = ("MEAN", "SOFTMAX")


@dataclass(frozen=True)
class Operator:
    """An operator of a model.

    Args:
        name: its kind.
        inputs: indices of tensors.
        output: index of its first output.
        shape: the output's.
        macs: multiply-accumulates.
    """

    name: str
    inputs: tuple
    output: int
    shape: tuple
    macs: int


@dataclass(frozen=True)
class Agreement:
    """An operator's output on two machines.

    Args:
        integer: whether the output is of integers.
        differing: how many of its numbers differ.
        largest: by how much at most: steps of an integer, or the unit of a float.
        inherited: whether an input differs already.
    """

    integer: bool
    differing: int
    largest: float
    inherited: bool

    def expected(self, name):
        """Whether this is what is known of such an operator: float ones need not agree."""
        if not self.integer or not self.differing or self.inherited:
            return True
        return name in EXCEPTIONS and self.largest <= 1


class Model:
    """A model file, opened with this machine's interpreter.

    Args:
        path: the `.tflite` file.

    Attributes:
        operators: list of `Operator`, in the order of execution.
        input: the interpreter's details of the one input.
        output: those of the first output.

    Raises:
        Problem: the file is missing, damaged or of another kind.
    """

    def __init__(self, path):
        from ai_edge_litert.interpreter import Interpreter

        check_model_file(str(path))
        self.path = Path(path)
        content = self.path.read_bytes()
        try:
            self._graph = Graph(content)
            interpreter = Interpreter(model_content=content, num_threads=1)
            self._details = interpreter._get_ops_details()[: self._graph.length]
        except (IndexError, RuntimeError, ValueError) as error:
            raise Problem(f"{path}: the model cannot be opened: {error}") from None
        tensors = {int(x["index"]): x for x in interpreter.get_tensor_details()}
        shapes = {i: tuple(map(int, x["shape"])) for i, x in tensors.items()}
        self._dynamic = {int(x["index"]) for x in interpreter.get_input_details()}
        self._results = {int(x["index"]) for x in interpreter.get_output_details()}
        self.operators = [_operator(op, shapes) for op in self._details]
        if len(self._dynamic) != 1:
            raise Problem(f"{path}: the model must have one input. Got: {len(self._dynamic)}")
        self.input = interpreter.get_input_details()[0]
        self.output = interpreter.get_output_details()[0]

    def exposed(self):
        """Bytes of the model with every operator's output among its own."""
        every = {op.output for op in self.operators}
        length = len(self.operators)
        wanted = still_needed(self._details, length, self._dynamic, every)
        return self._graph.cut(length, wanted)

    def cuts(self):
        """The model ended after an operator: index of the operator and bytes, one by one."""
        for end in range(1, len(self.operators) + 1):
            wanted = still_needed(self._details, end, self._dynamic, self._results)
            if wanted:
                yield end - 1, self._graph.cut(end, wanted)

    def agreement(self, here, there):
        """Compares two runs of the exposed model.

        Args:
            here: tensor index to values on x86.
            there: the same on ARM.

        Returns:
            Index of an operator to its `Agreement`, for those that depend on the input.
        """
        unequal, result = set(), {}
        for index, operator in enumerate(self.operators):
            if operator.output not in here:
                continue
            one, other = here[operator.output], there[operator.output]
            differing = int((one != other).sum())
            largest = float(np.abs(one.astype("float64") - other.astype("float64")).max())
            integer = np.issubdtype(one.dtype, np.integer)
            inherited = bool(unequal & set(operator.inputs))
            result[index] = Agreement(bool(integer), differing, largest, inherited)
            if differing:
                unequal.add(operator.output)
        return result


def _operator(details, shapes):
    inputs = tuple(int(i) for i in details["inputs"])
    output = int(details["outputs"][0])
    name, shape = details["op_name"], shapes[output]
    return Operator(name, inputs, output, shape, _macs(name, inputs, shape, shapes))


def _macs(name, inputs, shape, shapes):
    """Multiply-accumulates of an operator."""
    if name == "BATCH_MATMUL":
        return prod(shape) * shapes[inputs[0]][-1]
    weights = shapes.get(inputs[1]) if len(inputs) > 1 else None
    each = {
        "CONV_2D": lambda: prod(weights[1:]),
        "DEPTHWISE_CONV_2D": lambda: weights[1] * weights[2],
        "FULLY_CONNECTED": lambda: weights[-1],
    }.get(name)
    return prod(shape) * each() if each else 0
