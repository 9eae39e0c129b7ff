"""The README's table of public names, written from the docstrings by `make tables`."""

import importlib
import inspect
import types

import keras_fld

# Values have no docstring of their own.
_VALUES = {
    "data.DATASETS": "The datasets by name",
    "data.MARGIN": "Side of the default crop in face boxes",
    "detection.NAMES": "Names of detectors",
    "evaluation.LIMIT": "A face above this NME in per cent is a failure; CED curves end there",
    "landmarker.HAAR_TO_BOX": "The face box in the frontal cascade's square, in its sides",
    "losses.LOSSES": "The losses by name",
    "models.NETWORKS": "The networks by name",
    "optimizers.OPTIMIZERS": "The optimizers by name",
    "schemes.AFLW19": "AFLW's 19 landmarks",
    "schemes.COFW29": "COFW's 29 landmarks",
    "schemes.IBUG68": "The 68 landmarks of iBUG's annotations, such as 300W's",
    "schemes.SCHEMES": "The schemes by name",
    "schemes.WFLW98": "WFLW's 98 landmarks",
    "training.PRECISIONS": "What a recipe's precision may be",
}


def public_names():
    """Yields each public name under `keras_fld` and its value, those at the top first.

    A module's public names are its `__all__`, which each of them must have.
    """
    for name in keras_fld._NAMES:
        yield name, getattr(keras_fld, name)
    for name in keras_fld._SUBMODULES:
        module = getattr(keras_fld, name)
        for inner in module.__all__:
            yield f"{name}.{inner}", getattr(module, inner)


def table():
    """The lines of the table: a module's heading row, then its names."""
    lines, headed = ["| name | what |", "|---|---|"], set()
    for name, value in public_names():
        module, dot, _ = name.partition(".")
        if dot and module not in headed:
            headed.add(module)
            told = _sentence(importlib.import_module(f"keras_fld.{module}").__doc__)
            lines.append(f"| **`fld.{module}`** | **{told}** |")
        told = _VALUES[name] if _is_value(value) else _sentence(inspect.getdoc(value))
        lines.append(f"| `fld.{name}` | {told} |")
    return lines


def _is_value(value):
    kinds = (type, types.FunctionType, types.ModuleType)
    return not isinstance(value, kinds)


def _sentence(text):
    """The first sentence of a docstring, which is its first paragraph, in one line."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return paragraph.rstrip(".").replace("|", "\\|")
