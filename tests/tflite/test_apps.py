"""The ports in tflite/apps against the golden vectors, each by its own compiler."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

APPS = Path(__file__).parents[2] / "tflite" / "apps"
GOLDEN = APPS / "golden.json"
STEPS = [
    "matrix",
    "crop",
    "tiles",
    "anchors",
    "decode",
    "next_place",
    "plausible",
    "smooth",
    "camera",
]

GXX = shutil.which("g++")
KOTLINC = shutil.which("kotlinc")


def run(*command, **options):
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=500, **options
    )


def compiled(folder, source, *options):
    program = folder / Path(source).stem
    warnings = ("-Wall", "-Wextra", "-Werror")
    command = (GXX, "-std=c++17", "-O1", *warnings, f"-I{APPS / 'cpp'}", source, "-o", program)
    built = run(*command, *options)
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="module")
def checkers(tmp_path_factory):
    """Commands that check a file of golden vectors, by language; compiled when first asked for."""
    commands = {}

    def command(language):
        if language not in commands:
            commands[language] = BUILDERS[language](tmp_path_factory.mktemp(language))
        return commands[language]

    return command


def cpp(folder):
    if GXX is None:
        pytest.skip("needs g++")
    return [compiled(folder, APPS / "cpp" / "check_golden.cpp")]


BUILDERS = {"cpp": cpp}
LANGUAGES = pytest.mark.parametrize("language", BUILDERS)


@LANGUAGES
def test_every_step_is_pythons(checkers, language):
    result = run(*checkers(language), GOLDEN)
    assert result.returncode == 0, result.stderr
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == STEPS


def changed(golden, step):
    """Damages one number or byte of a step."""
    if step == "matrix":
        golden["matrix"][2]["in_picture"][1][0] += 0.011
    elif step == "crop":
        pixels = bytearray(base64.b64decode(golden["crop"][0]["rgb"]))
        pixels[7] = (pixels[7] + 2) % 256
        golden["crop"][0]["rgb"] = base64.b64encode(pixels).decode("ascii")
    elif step == "tiles":
        golden["tiles"][1]["tiles"][1]["to_photo"][0][2] += 0.011
    elif step == "anchors":
        golden["anchors"][1]["centers"][3][1] += 0.011
    elif step == "decode":
        golden["decode"][2]["boxes"][1][2] += 0.011
    elif step == "next_place":
        golden["next_place"][1]["box"][3] += 0.011
    elif step == "plausible":
        golden["plausible"][3]["plausible"] = not golden["plausible"][3]["plausible"]
    elif step == "smooth":
        golden["smooth"][0]["frames"][-1]["smoothed"][2][1] += 0.011
    elif step == "camera":
        golden["turn"][3]["mirrored"] = not golden["turn"][3]["mirrored"]
    return golden


@LANGUAGES
@pytest.mark.parametrize("step", STEPS)
def test_a_wrong_result_is_refused(checkers, language, step, tmp_path):
    command = checkers(language)
    golden = changed(json.loads(GOLDEN.read_text("utf-8")), step)
    damaged = tmp_path / "golden.json"
    damaged.write_text(json.dumps(golden), "utf-8")
    result = run(*command, damaged)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{step}: ")
