"""Annotations, which the package shows to users' type checkers by its py.typed."""

import functools
import importlib
import inspect
import types

import keras_fld

# Beside the public names: what scripts take from deeper modules.
DEEPER = (
    "data.catalog.Dataset",
    "data.catalog.get",
    "data.check.Check",
    "data.check.check",
    "data.prepared.writing.Part",
    "data.prepared.writing.prepare",
    "evaluation.occlusion.OcclusionReport",
    "evaluation.occlusion.occlusion_sweep",
    "evaluation.worst.WorstFace",
    "lite.exporting.Export",
    "lite.exporting.export",
    "lite.parity_check.Parity",
    "lite.parity_check.parity",
    "lite.tfmot.compress.compress",
    "lite.tfmot.qat.qat",
    "models.saving.save",
    "reports.comparison.Comparison",
    "reports.comparison.compare",
    "training.pseudo_labels.relabel",
    "training.recipe.saved_recipe",
)

# Public since their modules are, and not annotated yet.
BARE = ("evaluation.evaluate_detector",)


def public_names():
    """Yields each public name under `keras_fld` and its value; a module's are its `__all__`."""
    for name in keras_fld.__all__:
        value = getattr(keras_fld, name)
        yield name, value
        for inner in getattr(value, "__all__", ()) if isinstance(value, types.ModuleType) else ():
            yield f"{name}.{inner}", getattr(value, inner)


def bare(name, value):
    """What lacks an annotation: "NAME(parameter)", or "NAME ->" for what a function returns.

    Of a class these are its own methods and properties and those that a base in the package gives
    it; `self`, `cls` and the options that a function passes through need none.
    """
    if isinstance(value, type):
        return [
            lack
            for base in value.__mro__
            if base.__module__.partition(".")[0] in ("keras_fld", __name__.partition(".")[0])
            for inner, member in vars(base).items()
            if not inner.startswith("_") or inner.endswith("__")
            for lack in bare(f"{name}.{inner}", _function(member))
        ]
    if not isinstance(value, types.FunctionType):
        return []
    function = inspect.unwrap(value)
    if function.__code__.co_filename.startswith("<"):  # written by `dataclass`
        return []
    signature = inspect.signature(function)
    lacking = [
        f"{name}({parameter.name})"
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty
        and parameter.name not in ("self", "cls")
        and parameter.kind is not parameter.VAR_KEYWORD
    ]
    return lacking + [f"{name} ->"] * (signature.return_annotation is signature.empty)


def _function(member):
    """The function behind a method of any kind or a property."""
    if isinstance(member, (classmethod, staticmethod)):
        return member.__func__
    if isinstance(member, property):
        return member.fget
    return member.func if isinstance(member, functools.cached_property) else member


def deeper():
    """The names of `DEEPER` with their values."""
    for name in DEEPER:
        module, _, inner = name.rpartition(".")
        yield name, getattr(importlib.import_module(f"keras_fld.{module}"), inner)


def test_every_public_function_and_class_is_annotated():
    names = [*public_names(), *deeper()]
    assert len(names) > 130
    names = [(name, value) for name, value in names if not name.startswith(BARE)]
    assert [lack for name, value in names for lack in bare(name, value)] == []


def test_every_public_function_and_class_has_a_docstring():
    told = [(name, value) for name, value in public_names() if callable(value)]
    assert [name for name, value in told if not vars(value).get("__doc__", value.__doc__)] == []


class Example:
    def __init__(self, whole: int, half, **options) -> None: ...

    def method(self, x: int): ...

    @property
    def size(self): ...

    @classmethod
    def made(cls, x) -> None: ...

    def _own(self, x): ...


def test_what_lacks_an_annotation_is_named():
    assert bare("f", lambda x: x) == ["f(x)", "f ->"]
    assert bare("Example", Example) == [
        "Example.__init__(half)",
        "Example.method ->",
        "Example.size ->",
        "Example.made(x)",
    ]
