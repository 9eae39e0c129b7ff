"""Shell completion with the package's names, without loading Keras."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from keras_fld import zoo
from keras_fld.cli import cli
from keras_fld.data import catalog
from keras_fld.lite import modes
from keras_fld.predict import detectors
from keras_fld.reproduce import TABLES
from keras_fld.training import recipes

PROGRAM = "import sys; sys.argv[0] = 'keras-fld'; from keras_fld.cli import main; main()"


def offered(*words):
    """Completions of the last word: names, and "file" if the shell completes files."""
    shell = BashComplete(cli, {}, "keras-fld", "_KERAS_FLD_COMPLETE")
    found = shell.get_completions(list(words[:-1]), words[-1])
    return ["file" if item.type == "file" else item.value for item in found]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["train", "--recipe"], recipes.names()),
        (["train", "--dataset"], catalog.DATASETS),
        (["evaluate", "--dataset"], catalog.DATASETS),
        (["datasets", "check"], catalog.DATASETS),
        (["prepare"], catalog.DATASETS),
        (["evaluate", "--preset"], zoo.names()),
        (["export", "--preset"], zoo.names()),
        (["convert", "--mode"], modes.MODES),
        (["export", "--mode"], modes.NAMES),
        (["reproduce"], TABLES),
        (["completion"], ["bash", "zsh", "fish"]),
    ],
    ids=" ".join,
)
def test_names_stand_where_options_take_them(words, known):
    assert offered(*words, "") == list(known)
    first = next(iter(known))
    assert first in offered(*words, first[:2])
    assert offered(*words, "no such") == []


def test_a_model_is_a_file_or_a_preset():
    for words in (["evaluate"], ["predict", "--model"], ["benchmark"], ["web", "--model"]):
        assert offered(*words, "") == ["file"] == offered(*words, "run/mod")
        assert offered(*words, "trnet20_300w_f") == ["trnet20_300w_fast"]
    for begun in ("ha", "bl"):
        fitting = [name for name in detectors.NAMES if name.startswith(begun)]
        assert fitting and offered("predict", "--detector", begun) == fitting
    assert offered("predict", "--detector", "yunet") == ["file"]


def test_subsets_are_those_of_the_dataset_named_before():
    assert offered("evaluate", "--subset", "") == ["common", "challenge", "full"]
    assert offered("evaluate", "--dataset", "aflw", "--subset", "fr") == ["frontal"]
    assert offered("prepare", "aflw", "--split", "") == ["train", "full", "frontal"]
    assert offered("evaluate", "--dataset", "no such", "--subset", "") == []


def network(head):
    from keras_fld import models

    return models.TRNet20(input_size=32, width=0.25, head=head)


def compression(method):
    from keras_fld.lite.tfmot import compress

    compress.check(method, 0.5, 16, 1, 1e-3, None)


def taken():
    """The parameters with completed names, by the words before them."""
    from keras_fld import losses, models, training

    return {
        "train --loss": losses.get,
        "qat a.keras --loss": losses.get,
        "compress a.keras --loss": losses.get,
        "refine a.keras --loss": losses.get,
        "train --network": models.get,
        "train --head": network,
        "train --optimizer": lambda name: training.Recipe(optimizer=name),
        "train --precision": lambda name: training.Recipe(precision=name),
        "reproduce table2 --precision": lambda name: training.Recipe(precision=name),
        "compress a.keras --method": compression,
        "convert a.keras --mode": modes.get,
        "train --recipe": recipes.get,
        "train --dataset": catalog.get,
        "evaluate --preset": zoo.keras_file,
    }


@pytest.mark.parametrize("words", taken())
def test_the_offered_names_are_those_that_are_taken(words):
    take, names = taken()[words], offered(*words.split(), "")
    assert names
    for name in names:
        take(name)
    with pytest.raises(ValueError) as error:
        take("no such")
    told = re.search(r"must be one of (.+)\. Got: 'no such'", str(error.value))[1]
    assert told.split(", ") == names


HEAVY = {"keras", "tensorflow", "torch", "jax"}


def modules_after(*arguments, **environment):
    """The output of the program, and the names of the modules that it loaded."""
    program = f"import atexit; atexit.register(lambda: print('\\n', *sys.modules)); {PROGRAM}"
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    output, _, modules = result.stdout.rstrip().rpartition("\n")
    assert "keras_fld.cli" in modules
    return output.strip(), set(modules.split())


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("train --loss e", ["enme"]),
        ("train --network c", ["cnn6", "cnn7"]),
        ("train --head w", ["windows"]),
        ("train --optimizer m", ["muon"]),
        ("train --precision b", ["bfloat16"]),
        (
            "train --recipe trnet20_f",
            ["trnet20_free_first", "trnet20_free_second", "trnet20_free"],
        ),
        ("compress --method p", ["prune"]),
        ("convert --mode d", ["dynamic"]),
        ("reproduce figure", ["figure4"]),
        ("predict --detector haar-", ["haar-frontal"]),
        ("evaluate --dataset own", ["own"]),
        ("web --model trnet20_fr", ["trnet20_free"]),
    ],
)
def test_completing_loads_neither_keras_nor_a_backend(words, names):
    words = f"keras-fld {words}"
    answer, modules = modules_after(
        _KERAS_FLD_COMPLETE="bash_complete",
        COMP_WORDS=words.replace(" ", "\n"),
        COMP_CWORD=str(words.count(" ")),
    )
    assert answer.splitlines() == [f"plain,{name}" for name in names]
    assert not HEAVY & modules


@pytest.mark.parametrize("command", ["train", "compress", "convert", "reproduce"])
def test_help_loads_neither_keras_nor_a_backend(command):
    output, modules = modules_after(command, "--help")
    assert output.startswith("Usage: ") and not HEAVY & modules


def test_bash_completes_by_the_printed_script(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    program = tmp_path / "keras-fld"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n")
    program.chmod(0o755)
    script = (
        'eval "$(keras-fld completion bash)" && COMP_WORDS=(keras-fld train --loss sm) '
        'COMP_CWORD=3 && _keras_fld_completion keras-fld && echo "${COMPREPLY[@]}" && '
        "complete -p keras-fld"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == "smooth_l1"
    assert "-F _keras_fld_completion keras-fld" in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell):
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert f"_KERAS_FLD_COMPLETE={shell}_complete" in result.stdout
    assert CliRunner().invoke(cli, ["completion", "csh"]).exit_code == 2


def test_completion_leaves_the_error_texts_alone(tmp_path):
    arguments = ["evaluate", "trnet20_300w", "--dataset", "300v", "--root", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert "dataset must be one of 300w, " in str(result.exception)
