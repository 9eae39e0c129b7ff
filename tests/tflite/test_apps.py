"""The ports in tflite/apps against the golden vectors, each by its own compiler."""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld import zoo
from keras_fld.data import synthetic
from keras_fld.predict.detectors.blazeface import network
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.predict.tracking import FaceTracker

APPS = Path(__file__).parents[2] / "tflite" / "apps"
GOLDEN = APPS / "golden.json"
STEPS = [
    *("matrix", "crop", "tiles", "anchors", "decode"),
    *("next_place", "box_in_face", "plausible", "smooth", "boxes", "track", "camera"),
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


def kotlin(folder):
    if KOTLINC is None or shutil.which("java") is None:
        pytest.skip("needs kotlinc and java")
    jar = folder / "check.jar"
    sources = [APPS / "kotlin" / name for name in ("KerasFld.kt", "CheckGolden.kt")]
    built = run(KOTLINC, *sources, "-include-runtime", "-d", jar)
    assert built.returncode == 0, built.stderr
    return ["java", "-jar", jar]


BUILDERS = {"cpp": cpp, "kotlin": kotlin}
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
    elif step == "box_in_face":
        golden["box_in_face"][4]["box"][1] += 0.011
    elif step == "plausible":
        golden["plausible"][3]["plausible"] = not golden["plausible"][3]["plausible"]
    elif step == "smooth":
        golden["smooth"][0]["frames"][-1]["smoothed"][2][1] += 0.011
    elif step == "boxes":
        golden["boxes"][1]["covered"][2] += 0.011
    elif step == "track":
        golden["track"]["frames"][11]["faces"][0]["id"] = 4
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


def litert():
    """The folder of libLiteRt.so, which LiteRT's Python package brings; skips where it has none."""
    spec = importlib.util.find_spec("ai_edge_litert")
    folders = [Path(place) for place in spec.submodule_search_locations] if spec else []
    found = [folder for folder in folders if (folder / "libLiteRt.so").exists()]
    if not found:
        pytest.skip("needs libLiteRt.so of ai-edge-litert 2.3 or later")
    return found[0]


def model_code(model, language):
    result = run(sys.executable, APPS / "about.py", model, language)
    assert result.returncode == 0, result.stderr
    return result.stdout


def linked(folder, source, model):
    """Compiles a program with the code of a model; skips where g++ or LiteRT is missing."""
    if GXX is None:
        pytest.skip("needs g++")
    library = litert()
    (folder / "face_model.hpp").write_text(model_code(model, "cpp"), "utf-8")
    return compiled(
        folder, source, f"-I{folder}", f"-L{library}", "-lLiteRt", f"-Wl,-rpath,{library}"
    )


def with_faces(*places, shape=(560, 900)):
    """A picture with drawn faces at (index, size, left, top)."""
    image = np.full((*shape, 3), 90, np.uint8)
    for index, size, left, top in places:
        image[top : top + size, left : left + size] = synthetic.draw(index, size=size).image
    return image


def test_the_cpp_example_prints_pythons_landmarks(tmp_path):
    model = zoo.lite_file("trnet20_300w")
    program = linked(tmp_path, APPS / "cpp" / "example.cpp", model)
    nets = [Path(network.__file__).with_name(name) for name, _ in network.FILES.values()]
    command = (program, model, *nets)
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    # One that the short range is sure of, and two that the full range proposes.
    for count, image in (
        (1, with_faces((5, 400, 10, 10))),
        (2, with_faces((5, 200, 10, 10), (3, 130, 700, 420))),
    ):
        cv2.imwrite(str(tmp_path / "faces.ppm"), image[..., ::-1])
        result = run(*command, tmp_path / "faces.ppm")
        assert result.returncode == 0, result.stderr
        rows = [line.split() for line in result.stdout.splitlines()]
        faces = landmarker.detect(image)
        assert len(rows) == len(faces) == count
        for row, face in zip(rows, faces, strict=True):
            found = np.array(row, float).reshape(-1, 2)
            assert np.abs(found - face.landmarks).max() < 0.01

    for files, rule in (
        ((tmp_path / "none.tflite", *nets), "none.tflite: the file cannot be opened"),
        ((nets[0], *nets), f"{nets[0].name}: the input must have 196608 bytes. Got: 49152. Is it"),
    ):
        wrong = run(program, *files, tmp_path / "faces.ppm")
        assert wrong.returncode == 1 and rule in wrong.stderr.splitlines()[-1]
    missing = run(*command, tmp_path / "missing.ppm")
    assert missing.returncode == 1
    assert "missing.ppm: must be a binary PPM" in missing.stderr.splitlines()[-1]


TRACK = """
#define main example
#include "example.cpp"
#undef main
int main(int count, char** arguments) {
  FaceTracker tracker(Landmarker(landmark_network(arguments[1]), FACE_MODEL),
                      BlazeFace(BlazeNet(detector_network(arguments[2]))));
  for (int i = 3; i < count; i++) {
    for (const auto& face : tracker.update(read_ppm(arguments[i]), (i - 3) / 30.0)) {
      std::printf("%d ", face.id);
      for (const auto& [x, y] : face.landmarks) std::printf("%.4f %.4f ", x, y);
    }
    std::printf("\\n");
  }
}
"""


def tracked(folder, model, frames):
    """A line for each frame: number and landmarks of each face that the C++ tracker finds."""
    (folder / "track.cpp").write_text(TRACK, "utf-8")
    program = linked(folder, folder / "track.cpp", model)
    paths = [folder / f"{i:02}.ppm" for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        cv2.imwrite(str(path), frame[..., ::-1])
    short = Path(network.__file__).with_name(network.FILES["short"][0])
    result = run(program, model, short, *paths)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_the_cpp_tracker_follows_faces_as_python_does(tmp_path):
    # One moves, jumps, is away, and comes again elsewhere. The other moves, and goes later.
    lefts = [*range(20, 100, 5), 130, *range(134, 164, 4), *([None] * 40), *([60] * 18)]
    frames = []
    for i, left in enumerate(lefts):
        places = [] if left is None else [(5, 180, left, 15)]
        places += [(3, 170, 380 - i // 4, 20)] if i < 40 else []
        frames.append(with_faces(*places, shape=(210, 560)))
    lines = tracked(tmp_path, zoo.lite_file("trnet20_300w"), frames)

    landmarker = FaceLandmarker.from_preset("trnet20_300w", score=None)
    tracker, counts = FaceTracker(landmarker), []
    for i, (line, frame) in enumerate(zip(lines, frames, strict=True)):
        faces = tracker.update(frame, i / 30)
        found = np.array(line.split(), float).reshape(-1, 1 + 2 * 68)
        assert found[:, 0].tolist() == [face.id for face in faces], i
        for points, face in zip(found[:, 1:].reshape(-1, 68, 2), faces, strict=True):
            assert np.abs(points - face.landmarks).max() < 0.01, i
        counts.append(len(faces))
    assert {0, 1, 2} == set(counts) and counts.count(2) > 10  # lost, and found again


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    """The file of an untrained model of five points."""
    pytest.importorskip("tensorflow")
    from tests.tiny import five_points

    path = tmp_path_factory.mktemp("five") / "five.tflite"
    five_points(path)
    return path


@pytest.mark.parametrize("language", ["cpp", "kotlin", "swift"])
def test_the_code_says_where_the_box_is(five, language):
    assert "0.2787, 0.2033, 0.4425, 0.5121" in model_code(five, language)


def test_the_cpp_tracker_follows_a_face_of_five_points_as_python_does(five, tmp_path):
    frames = [with_faces((5, 180, 20 + i, 15), shape=(210, 420)) for i in range(25)]
    lines = tracked(tmp_path, five, frames)
    tracker = FaceTracker(FaceLandmarker(five))
    for i, (line, frame) in enumerate(zip(lines, frames, strict=True)):
        (face,) = tracker.update(frame, i / 30)
        number, *points = map(float, line.split())
        assert number == face.id == 1
        assert np.abs(np.reshape(points, (5, 2)) - face.landmarks).max() < 0.01, i


def test_what_is_no_landmark_model_gives_no_code(tmp_path):
    result = run(sys.executable, APPS / "about.py", zoo.score_file(), "cpp")
    assert result.returncode == 1
    assert result.stderr.strip().endswith("must be a landmark model of keras_fld")
