"""One run of tests on a mutant, in a process forked from one that has loaded the libraries."""

import gc
import os
import resource
import signal
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMORY = 5 << 30  # bytes; a mutant may ask for any amount


class _Mutated(MetaPathFinder, SourceFileLoader):
    """Loads the mutated source in place of a module's file. Nothing on disk changes."""

    def __init__(self, module, source):
        name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        SourceFileLoader.__init__(self, name, str(ROOT / module))
        self.source = source

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        folder = [str(Path(self.path).parent)] if self.path.endswith("__init__.py") else None
        return spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=folder
        )

    def get_code(self, fullname):
        return compile(self.source, self.path, "exec", dont_inherit=True)


class _Order:
    """Runs the tests that reach the mutated line first, file by file, quick ones before slow.

    A test that takes far longer than without the mutant ends the process.
    """

    def __init__(self, reaching, seconds):
        self.reaching, self.seconds = reaching, seconds

    def pytest_collection_modifyitems(self, items):
        def file(item):
            return item.nodeid.partition("::")[0]

        first = {file(item) for item in items if item.nodeid in self.reaching}
        items.sort(
            key=lambda item: (
                file(item) not in first,
                file(item),
                item.nodeid not in self.reaching,
                self.seconds.get(item.nodeid, 0),
            )
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        limit = 5 * self.seconds.get(item.nodeid, 0) + 2
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def killed(module, source, tests, reaching, seconds, limit):
    """Whether a test fails with the mutated source in place of a module.

    Args:
        module: path of the module from the root.
        source: mutated text of the module.
        tests: paths of the tests.
        reaching: ids of the tests that run the mutated line.
        seconds: id to the processor time of each test.
        limit: seconds of processor time in all. A mutant that takes more may never end.
    """
    order = _Order(reaching, seconds)
    return forked(lambda: _run(tests, order, _Mutated(module, source)), limit) != 0


def forked(work, limit):
    """Runs `work` in a child process and returns its exit code; of a signal, its negative."""
    child = os.fork()
    if not child:
        _in_child(work, limit)
    return _code(child, time.monotonic() + 30 * limit)


def _code(child, end):
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_child(work, limit):
    os.setpgid(0, 0)
    gc.freeze()  # or a collection copies the memory that is shared with the parent
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not os.environ.get("KERAS_FLD_MUTATION_SHOW"):
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    code = 70
    try:
        code = int(work())
    finally:
        os._exit(code)


def _run(tests, *plugins):
    import hypothesis

    # The same examples each time, and none that is looked for only to be shown.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(
        "mutation", database=None, deadline=None, derandomize=True, phases=phases
    )
    hypothesis.settings.load_profile("mutation")
    mutated = [plugin for plugin in plugins if isinstance(plugin, _Mutated)]
    sys.meta_path[:0] = mutated
    others = [plugin for plugin in plugins if plugin not in mutated]
    # What pytest and its plugins do beyond running tests takes longer than most tests here.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    without = [f"-pno:{name}" for name in ("cacheprovider", "unraisableexception", "junitxml")]
    options = ["-x", "-q", "--assert=plain", f"--basetemp={ROOT / 'build/mutation/tmp'}"]
    return pytest.main([*options, *without, *tests], plugins=others)


class _Reach:
    """Notes which test runs which lines, and how long each takes."""

    def __init__(self, coverage):
        self.coverage, self.seconds = coverage, {}

    def pytest_runtest_setup(self, item):
        # A fixture of a module or session is set up in the first test only.
        self.coverage.switch_context("file:" + item.nodeid.partition("::")[0])

    def pytest_runtest_call(self, item):
        self.coverage.switch_context(item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began


def reach(modules, tests, limit):
    """Runs the tests on the modules as they are.

    Returns:
        The seconds that each test took, and for each module its lines to the contexts in which they
        ran: a test's id, or "file:" and a path for a fixture.

    Raises:
        SystemExit: a test fails.
    """
    import json

    path = ROOT / "build/mutation/reach.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)

    def work():
        import coverage

        measured = coverage.Coverage(data_file=None, config_file=False, source=["keras_fld"])
        measured.start()
        noted = _Reach(measured)
        began = time.process_time()
        code = _run(tests, noted)
        used = time.process_time() - began
        measured.stop()
        data = measured.get_data()
        lines = {m: data.contexts_by_lineno(str(ROOT / m)) for m in modules}
        path.write_text(json.dumps({"used": used, "seconds": noted.seconds, "lines": lines}))
        return code

    if forked(work, limit):
        sys.exit(f"error: the tests fail without a mutant: {' '.join(tests)}")
    return json.loads(path.read_text())
