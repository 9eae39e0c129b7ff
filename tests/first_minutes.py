"""A new user's first minutes, timed: installation, a photograph, a folder, a video, a notebook.

    python tests/first_minutes.py --json results/first_minutes.json

Everything runs in a new environment that holds the wheel with its group `video`, by commands that
the README gives; the notebook gets its extra. Files are in the disk's cache, the package registry
is not.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
from skimage.data import astronaut  # noqa: E402

from keras_fld._internal.files import write_json  # noqa: E402
from tests.light_install import build_wheel, done, run  # noqa: E402
from tests.long_runs import write_video  # noqa: E402

PHOTOS, FRAMES = 20, 300


def inputs(folder):
    """Writes the photograph, a folder of pictures and ten seconds of video at 640x480."""
    photo = astronaut()[..., ::-1]
    cv2.imwrite(str(folder / "photo.png"), photo)
    (folder / "photos").mkdir()
    for index in range(PHOTOS):
        picture = cv2.resize(photo, None, fx=1 + index / PHOTOS, fy=1 + index / PHOTOS)
        cv2.imwrite(str(folder / "photos" / f"{index:02d}.png"), picture)
    write_video(folder / "video.mp4", FRAMES)


def walk(folder):
    """Seconds of each step."""
    programs = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
    wheel, seconds = build_wheel(folder), {}

    def timed(name, *command):
        started = time.monotonic()
        result = run(*command, folder=folder)
        seconds[name] = round(time.monotonic() - started, 1)
        return done(result)

    venv.create(folder / "environment", with_pip=True)
    python, program = programs / "python", programs / "keras-fld"
    pip = (python, "-m", "pip", "install", "--quiet")
    timed("install", *pip, f"keras-fld[video] @ {wheel.as_uri()}")
    timed("photo", program, "predict", "photo.png", "--out", "photo")
    assert len(json.loads((folder / "photo" / "photo.json").read_text())["faces"]) == 1
    timed("photo_again", program, "predict", "photo.png", "--out", "photo")
    timed("folder", program, "predict", "photos", "--out", "found")
    assert len(list((folder / "found").glob("*.json"))) == PHOTOS
    timed("video", program, "predict", "video.mp4", "--out", "video")
    lines = (folder / "video" / "video.jsonl").read_text().splitlines()
    assert len(lines) == FRAMES and (folder / "video" / "video.mp4").exists()
    timed("install_notebooks", *pip, f"keras-fld[notebooks] @ {wheel.as_uri()}")
    timed("notebook", programs / "jupyter", "execute", ROOT / "notebooks" / "05_use.ipynb")
    return seconds


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        inputs(Path(folder))
        seconds = walk(Path(folder))
    for name, value in seconds.items():
        print(f"{name.replace('_', ' '):20} {value:6.1f} s")
    if options.json:
        counts = {"photos": PHOTOS, "frames": FRAMES, "frame": [640, 480]}
        write_json(options.json, {"cores": os.cpu_count(), **counts, "seconds": seconds})


if __name__ == "__main__":
    main()
