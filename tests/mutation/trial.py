"""The tests of a group, collected once; each mutant runs them in a process forked from there."""

import gc
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader

import coverage
import hypothesis
import pytest

from tests.mutation.patch import patch
from tests.mutation.survivors import ROOT

MEMORY = 5 << 30  # bytes; a mutant may ask for any amount
# Of a trial: no test fails, one does, or the module cannot be changed in place.
PASSED, FAILED, CANNOT = 0, 1, 71


class Group:
    """A plugin of pytest that hands the collected tests to `work` instead of running them."""

    def __init__(self, work):
        self.work, self.session, self.lines, self.seconds = work, None, {}, {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.session = session
        if "keras" in sys.modules:
            # Keras imports it in the first `fit`, whatever the backend. Those seconds would count
            # against whichever test comes first, which differs with the order of the tests.
            with suppress(ImportError):
                import_module("tensorflow")
        gc.freeze()  # or a collection copies the memory that is shared with the processes
        self.work(self)
        return True

    def prepare(self, modules, module, source):
        """Runs the tests without a mutant: on all modules of the group once, and on this one."""
        first = not self.seconds
        if first:
            self.reach(modules)
        # Whether the package can be loaded anew is the same for each module.
        if self.killed(module, source, 0, again=first):
            sys.exit(f"error: the tests fail on {module} as it is, put in its place")

    def reach(self, modules):
        """Runs the tests on the modules as they are, and notes which test runs which lines."""
        found = in_child(lambda: self._reach(modules), 600)
        if not isinstance(found, tuple):
            sys.exit("error: the tests fail without a mutant")
        self.lines, self.seconds = found

    def _reach(self, modules):
        measured = coverage.Coverage(data_file=None, config_file=False, source=["keras_fld"])
        measured.start()
        seconds = {}
        for item, following in _pairs(self.session.items):
            began = time.process_time()
            measured.switch_context(item.nodeid)
            if _fails(item, following):
                return FAILED
            seconds[item.nodeid] = time.process_time() - began
        measured.stop()
        data = measured.get_data()
        return {m: data.contexts_by_lineno(str(ROOT / m)) for m in modules}, seconds

    def killed(self, module, source, number, again=True):
        """Whether a test fails with the mutated source in place of a module.

        Args:
            module: path of the module from the root.
            source: mutated text of the module.
            number: of the line that was changed.
            again: whether a survivor is run again in a process that loads the package anew.
        """
        code = compile(source, str(ROOT / module), "exec", dont_inherit=True)
        name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        reaching = set(self.lines[module].get(number, []))
        limit = int(3 * sum(self.seconds.values()) + 30)
        result = in_child(lambda: self._run(name, code, reaching), limit)
        if result == CANNOT:
            again = True
        elif result == FAILED or not again:
            return result == FAILED
        # A value that another module took on import is still the old one.
        result = in_child(lambda: _anew(name, code, self.session.config.args), limit)
        return result != PASSED

    def _run(self, name, code, reaching):
        try:
            patch(import_module(name), code)
        except (AttributeError, TypeError, ValueError):
            return CANNOT
        items = sorted(
            self.session.items,
            key=lambda item: (item.nodeid not in reaching, self.seconds[item.nodeid]),
        )
        for item, following in _pairs(items):
            if _fails(item, following, 5 * self.seconds[item.nodeid] + 2):
                return FAILED
        return PASSED


def collect(tests, work):
    """Collects tests and calls `work` with their `Group`."""
    # The same examples each time, and none that is looked for only to be shown.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        "mutation",
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=25,
        phases=phases,
    )
    hypothesis.settings.load_profile("mutation")
    # What pytest and its plugins do beyond running tests takes longer than most tests here.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    without = [
        f"-pno:{name}" for name in ("cacheprovider", "unraisableexception", "threadexception")
    ]
    with tempfile.TemporaryDirectory() as folder:
        options = ["-x", "-qq", "--assert=plain", "--capture=no", f"--basetemp={folder}/tests"]
        return pytest.main([*options, *without, *tests], plugins=[Group(work)] if work else [])


def _anew(name, code, tests):
    """Runs the tests in a process that loads the package again, with the mutated module."""

    class Mutated(SourceFileLoader):
        def get_code(self, fullname):
            return code if fullname == name else super().get_code(fullname)

    class Finder(PathFinder):
        @classmethod
        def find_spec(cls, fullname, path=None, target=None):
            spec = super().find_spec(fullname, path, target) if fullname == name else None
            if spec is not None:
                spec.loader = Mutated(fullname, spec.origin)
            return spec

    for loaded in [n for n in sys.modules if n.partition(".")[0] in ("keras_fld", "tests")]:
        del sys.modules[loaded]
    sys.meta_path.insert(0, Finder)
    return collect(tests, None)


def _pairs(items):
    return zip(items, [*items[1:], None], strict=True)


def _fails(item, following, limit=None):
    """Runs a test. One that takes far longer than without the mutant ends the process."""
    if limit:
        signal.setitimer(signal.ITIMER_PROF, limit)
    session = item.session
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return session.testsfailed > 0


def in_child(work, limit=None, shown=False):
    """What `work` returns in a process forked from this one; FAILED if a signal ended it.

    Args:
        work: function without arguments, whose result can be pickled.
        limit: seconds of processor time.
        shown: whether what it prints is shown.
    """
    end, start = os.pipe()
    child = os.fork()
    if not child:
        _child(work, limit, shown, start)
    os.close(start)
    with os.fdopen(end, "rb") as stream:
        content = stream.read()
    os.waitpid(child, 0)
    return pickle.loads(content) if content else FAILED


def _child(work, limit, shown, start):
    if limit:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not shown and not os.environ.get("KERAS_FLD_MUTATION_SHOW"):
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    try:
        with os.fdopen(start, "wb") as stream:
            stream.write(pickle.dumps(work()))
    except SystemExit as error:
        print(error.code, file=sys.stderr)
    finally:
        os._exit(0)
