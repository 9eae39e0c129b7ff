"""Puts the mutated source into a module that is already loaded, which loading it anew would not be.

Importing the package and collecting the tests takes far longer than the tests of one mutant. So the
functions, classes and values of the loaded module become those of the mutant, for whoever holds
them.
"""

import sys
import types
from contextlib import contextmanager
from functools import cached_property

# Of a class: what belongs to the class itself.
_OWN = {"__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__qualname__"}


def patch(module, code):
    """Changes a loaded module.

    Args:
        module: the module.
        code: its compiled, mutated source.

    Raises:
        ValueError: a function cannot be changed in place.
    """
    fresh = types.ModuleType(module.__name__)
    fresh.__dict__.update({n: v for n, v in vars(module).items() if n.startswith("__")})
    with _unregistered():
        exec(code, fresh.__dict__)
    for name, new in list(vars(fresh).items()):
        foreign = isinstance(new, types.FunctionType) and new.__module__ != module.__name__
        if not name.startswith("__") and not foreign and vars(module).get(name, new) is not new:
            _change(module, name, vars(module)[name], new)


def _change(module, name, old, new):
    """Makes the old object the new one where that is possible, or takes its place everywhere."""
    if isinstance(old, type) and isinstance(new, type):
        _change_class(old, new)
    elif hasattr(old, "cache_clear"):
        old.cache_clear()
        _change_function(old.__wrapped__, new.__wrapped__)
    elif isinstance(old, types.FunctionType):
        _change_function(old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        old.clear()
        old.update(new)
    elif type(old) is type(new) and hasattr(old, "__dict__"):
        vars(old).clear()
        vars(old).update(vars(new))
    else:
        for loaded in list(sys.modules.values()):
            known = getattr(loaded, "__name__", "").partition(".")[0] in ("keras_fld", "tests")
            if known and vars(loaded).get(name) is old:
                setattr(loaded, name, new)


def _change_function(old, new):
    old.__code__, old.__defaults__ = new.__code__, new.__defaults__
    old.__kwdefaults__ = new.__kwdefaults__


def _change_class(old, new):
    for name in (set(vars(old)) | set(vars(new))) - _OWN:
        if name.startswith("_abc"):
            continue
        if name not in vars(new):
            delattr(old, name)
        elif name not in vars(old) or not _change_member(vars(old)[name], vars(new)[name]):
            setattr(old, name, vars(new)[name])


def _change_member(old, new):
    """Changes a method in place; returns whether it could."""
    if isinstance(old, property):
        pairs = [(old.fget, new.fget), (old.fset, new.fset)]
    elif isinstance(old, cached_property):
        pairs = [(old.func, new.func)]
    elif isinstance(old, (classmethod, staticmethod)):
        pairs = [(old.__func__, new.__func__)]
    else:
        pairs = [(old, new)]
    for one, other in pairs:
        if isinstance(one, types.FunctionType):
            # Methods that a dataclass made hold its defaults.
            if one.__closure__ and one.__code__.co_freevars != ("__class__",):
                return False
            _change_function(one, other)
        elif one is not None:
            return False
    return True


@contextmanager
def _unregistered():
    """Keras' registry keeps the classes that are there."""
    keras = sys.modules.get("keras")
    if keras is None:
        yield
        return
    before = keras.saving.register_keras_serializable
    keras.saving.register_keras_serializable = lambda package=None, name=None: lambda found: found
    try:
        yield
    finally:
        keras.saving.register_keras_serializable = before
