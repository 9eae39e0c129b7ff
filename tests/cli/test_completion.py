"""What a shell is offered: the package's names, by a process that does not load Keras."""

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from keras_fld import zoo
from keras_fld.cli import cli, complete
from keras_fld.data import catalog
from keras_fld.lite import modes
from keras_fld.predict import detectors
from keras_fld.reproduce import TABLES
from keras_fld.training import recipes

PROGRAM = "import sys; sys.argv[0] = 'keras-fld'; from keras_fld.cli import main; main()"


def offered(*words):
    """What completes the last word: names, and "file" where the shell looks for one."""
    shell = BashComplete(cli, {}, "keras-fld", "_KERAS_FLD_COMPLETE")
    found = shell.get_completions(list(words[:-1]), words[-1])
    return ["file" if item.type == "file" else item.value for item in found]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["train", "--loss"], complete.LOSSES),
        (["qat", "a.keras", "--loss"], complete.LOSSES),
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
    assert offered("predict", "--detector", "ha") == list(detectors.NAMES)
    assert offered("predict", "--detector", "yunet") == ["file"]


def test_subsets_are_those_of_the_dataset_named_before():
    assert offered("evaluate", "--subset", "") == ["common", "challenge", "full"]
    assert offered("evaluate", "--dataset", "aflw", "--subset", "fr") == ["frontal"]
    assert offered("prepare", "aflw", "--split", "") == ["train", "full", "frontal"]
    assert offered("evaluate", "--dataset", "no such", "--subset", "") == []


def test_names_written_here_are_those_of_the_modules():
    from keras_fld import losses, models, optimizers, training
    from keras_fld.lite.tfmot import compress

    assert tuple(losses.LOSSES) == complete.LOSSES
    assert tuple(models.NETWORKS) == complete.NETWORKS
    assert tuple(optimizers.OPTIMIZERS) == complete.OPTIMIZERS
    assert complete.PRECISIONS == training.PRECISIONS
    assert complete.METHODS == compress.METHODS
    for head in complete.HEADS:
        assert models.TRNet20(input_size=32, width=0.25, head=head).output_shape == (None, 68, 2)


@pytest.mark.parametrize(
    ("words", "name"),
    [("train --loss e", "enme"), ("train --recipe trnet20_s", "trnet20_synthetic")],
)
def test_completing_loads_neither_keras_nor_tensorflow(words, name):
    watched = f"import atexit; atexit.register(lambda: print(*sys.modules)); {PROGRAM}"
    words = f"keras-fld {words}"
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; {watched}"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "_KERAS_FLD_COMPLETE": "bash_complete",
            "COMP_WORDS": words.replace(" ", "\n"),
            "COMP_CWORD": str(words.count(" ")),
        },
    )
    assert result.returncode == 0, result.stderr
    answer, _, modules = result.stdout.partition("\n")
    assert answer == f"plain,{name}"
    assert not {"keras", "tensorflow", "torch", "jax"} & set(modules.split())


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
