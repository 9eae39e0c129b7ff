"""The npm package's types, with tsc, and the versions that it states."""

import importlib.util
import json
import shutil
import subprocess

import pytest

from keras_fld import __version__
from tests.web.packing import NPM, ROOT, SOURCE

TYPESCRIPT = "typescript@5.9.3"

PROGRAM = """
import { drawFace, Face, FaceLandmarker, FaceTracker, Metadata, readMetadata } from "keras-fld";

export async function main(video: HTMLVideoElement, context: CanvasRenderingContext2D) {
  const landmarker = await FaceLandmarker.load(new URL("https://host/m"), { wasm: "/wasm/" });
  const about: Metadata = landmarker.metadata;
  const [face]: Face[] = await landmarker.detect(video, { boxes: [[0, 1, 20, 30]], passes: 2 });
  const x: number = face.landmarks[0][0] + face.box[2] + face.angle + (face.score ?? 0);
  const tracker = new FaceTracker(landmarker, { most: 2 });
  await tracker.add(video, { box: [0, 1, 20, 30], angle: 0.1 });
  for (const one of await tracker.next(video)) {
    drawFace(context, one, about.lines ?? [], { lines: true }, one.id, 1);
  }
  return x + readMetadata(new ArrayBuffer(8)).mean_shape.length;
}
"""
# Each line is an error.
WRONG = """
import { FaceLandmarker } from "keras-fld";
new FaceLandmarker();
FaceLandmarker.load(5);
(await FaceLandmarker.load("m")).detect("photo.jpg");
(await FaceLandmarker.load("m")).detect(new Image(), { boxes: [[1, 2, 3]] });
export {};
"""


def test_versions_are_those_of_the_package_and_of_the_vendored_runtime():
    about = json.loads((SOURCE / "package.json").read_text("utf-8"))
    path = ROOT / "tflite" / "web" / "vendor.py"
    spec = importlib.util.spec_from_file_location("vendor", path)
    vendor = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    assert about["version"] == __version__
    assert about["dependencies"] == {"@litertjs/core": vendor.VERSION}


def test_the_types_fit_a_program_and_refuse_a_wrong_one(packed, tmp_path):
    compiler = tmp_path / "node_modules" / ".bin" / "tsc"
    install = [NPM, "install", "--no-save", "--silent", "--fetch-retries=0"]
    install += [f"--cache={tmp_path / 'cache'}", TYPESCRIPT]
    if subprocess.run(install, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip(f"npm cannot get {TYPESCRIPT}")
    shutil.copytree(packed, tmp_path / "node_modules" / "keras-fld")
    (tmp_path / "program.ts").write_text(PROGRAM, "utf-8")
    (tmp_path / "wrong.ts").write_text(WRONG, "utf-8")
    options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom"]
    options += ["--module", "esnext", "--moduleResolution", "bundler"]

    def check(name):
        command = [str(compiler), *options, name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    good, wrong = check("program.ts"), check("wrong.ts")
    assert good.returncode == 0, good.stdout
    assert [f"wrong.ts({line}," in wrong.stdout for line in (3, 4, 5, 6)] == [True] * 4
