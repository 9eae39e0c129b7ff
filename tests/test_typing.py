"""Annotations, which the package shows to users' type checkers by its py.typed."""

import functools
import importlib
import inspect
import types

from tests import readme_api

# Beside the README's table: what scripts take from deeper modules.
DEEPER = (
    "compare.Comparison",
    "compare.compare",
    "data.catalog.Dataset",
    "data.catalog.get",
    "data.check.Check",
    "data.check.check",
    "data.prepare.Part",
    "data.prepare.prepare",
    "gallery.WorstFace",
    "gallery.gallery",
    "lite.compress.compress",
    "lite.export.Export",
    "lite.export.export",
    "lite.parity.Parity",
    "lite.parity.parity",
    "lite.qat.qat",
    "models.saving.save",
    "occlusion.OcclusionReport",
    "occlusion.occlusion_sweep",
    "pseudo.relabel",
    "recipe.saved_recipe",
)


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
    names = [*readme_api.public_names(), *deeper()]
    assert len(names) > 130
    assert [lack for name, value in names for lack in bare(name, value)] == []


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
