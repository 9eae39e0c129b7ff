"""Long work at flat memory: predictions, in one thread and in eight, a video of an hour, a million
training samples. Eight threads must also predict, bit for bit, what one does.

    python tests/long_runs.py --json results/hardening/long.json
    python tests/long_runs.py --only video --share 0.01

Each kind of work is a process of its own, whose resident memory is looked at twenty times a second
(Linux: /proc), from when it has begun. The first tenth is left out; it is flat where the most in
the last half is at most `ALLOWED` MiB above the most before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

from keras_fld._internal.files import write_json  # noqa: E402

# Growth that is none: pages an allocator keeps. A leak of one crop (12 KiB) in a hundred
# predictions would be 12 MiB in 100,000.
ALLOWED = 8
WORK = {
    "predictions": 100_000,
    "threads": 100_000,
    "video": 3600 * 30,
    "samples": 1_000_000,
}
UNITS = {
    "predictions": "predictions",
    "threads": "predictions",
    "video": "frames",
    "samples": "samples",
}
# Of `threads`: how many, seconds of the whole work at least, and predictions of a thread until a
# new one takes its place, as a server's threads come and go.
THREADS, SECONDS, LIFE = 8, 600, 100
# In one of so many predictions the face is looked for as well.
SEARCHED = 20


def predictions(count, folder):
    """One face of a photograph, over and over, as a service has it."""
    from keras_fld import FaceLandmarker

    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    image = cv2.imread(str(ROOT / "docs" / "astronaut.png"))[..., ::-1]
    boxes = [face.box for face in landmarker.detect(image)][:1]
    (folder / "begun").touch()
    for _ in range(count):
        (face,) = landmarker.detect(image, boxes=boxes)
    assert face.landmarks.shape == (68, 2)


def threads(count, folder):
    """Several photographs in several threads at once, as a web server has them."""
    from keras_fld import FaceLandmarker
    from tests.predict.photos import photos

    landmarker, images = FaceLandmarker.from_preset("trnet20_300w"), photos(12)
    boxes = [[face.box for face in landmarker.detect(image)][:1] for image in images]

    def numbers(number):
        place = number % len(images)
        given = boxes[place] if number % SEARCHED else None
        faces = landmarker.detect(images[place], given)
        return [(*face.box, face.angle, face.score, *face.landmarks.ravel()) for face in faces]

    period = SEARCHED * len(images)
    expected = [numbers(number) for number in range(period)]
    assert all(expected) and len(set(map(str, expected))) >= len(images)
    lock, done, wrong = threading.Lock(), [0], []
    end = time.monotonic() + SECONDS * count / WORK["threads"]
    (folder / "begun").touch()

    def life(first):
        try:
            for number in range(first, first + LIFE):
                if numbers(number) != expected[number % period]:
                    raise AssertionError(f"prediction {number} is another than in one thread")
            with lock:
                done[0] += LIFE
        except BaseException as error:
            wrong.append(error)

    def succession(first):
        """A thread after the other, each at other photographs."""
        while not wrong and (done[0] < count or time.monotonic() < end):
            thread = threading.Thread(target=life, args=(first,))
            thread.start()
            thread.join()
            first += LIFE + 1

    workers = [threading.Thread(target=succession, args=(7 * k,)) for k in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong:
        raise wrong[0]
    print(f"{done[0]:,} predictions of {THREADS} threads are those of one, bit for bit")


def video(count, folder):
    """`keras-fld predict` on a video, every frame to JSON lines."""
    from keras_fld.cli import main

    out = folder / "found"
    sys.argv = ["keras-fld", "predict", str(folder / "hour.mp4"), "--out", str(out)]
    sys.argv += ["--format", "jsonl", "--quiet"]
    try:
        main()
    finally:
        (file,) = out.glob("*.jsonl")
        with file.open(encoding="utf-8") as lines:
            found = sum(1 for _ in lines)
        assert found == count, f"{found} of {count} frames"


def samples(count, folder):
    """Augmented batches from the training pipeline, an epoch after the other."""
    from keras_fld import data

    batches = data.load("synthetic", count=min(count, 5000), batch_size=64)
    seen = 0
    (folder / "begun").touch()
    while seen < count:
        for _, landmarks in batches:
            seen += len(landmarks)


def write_video(path, count):
    """Twelve seconds of a moving face, again and again."""
    from tests.predict.tracking.moving_face import FPS, MovingFace

    face = MovingFace(4, still=0.5)
    frames = [face.frame(i)[..., ::-1].copy() for i in range(min(count, 360))]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, face.size)
    for i in range(count):
        writer.write(frames[i % len(frames)])
    writer.release()


def watch(name, count, folder):
    """Runs one kind of work and looks at its memory: its row of the result."""
    command = [sys.executable, __file__, "--only", name, "--inside", str(folder)]
    begun, sizes = folder / "begun", []
    begun.unlink(missing_ok=True)
    child = subprocess.Popen([*command, "--count", str(count)])
    while child.poll() is None:
        # The command line of `video` does not tell when it begins, and starts in a second.
        if name == "video" or begun.exists():
            sizes.append((time.monotonic(), _resident(child.pid)))
        time.sleep(0.05)
    if child.returncode:
        raise SystemExit(f"{name} failed with exit code {child.returncode}")
    first, seconds = sizes[0][0], sizes[-1][0] - sizes[0][0]
    early = max(size for at, size in sizes if 0.1 * seconds <= at - first < 0.5 * seconds)
    late = max(size for at, size in sizes if at - first >= 0.5 * seconds)
    return {
        UNITS[name]: count,
        "seconds": round(seconds, 1),
        "early_mib": round(early, 1),
        "late_mib": round(late, 1),
        "growth_mib": round(late - early, 1),
        "flat": late - early <= ALLOWED,
    }


def _resident(pid):
    """Resident memory of a process in MiB; 0 when it has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=WORK, nargs="+", default=list(WORK))
    parser.add_argument("--share", type=float, default=1.0, help="of the whole work (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.inside:
        return globals()[options.only[0]](options.count, options.inside)
    if not Path("/proc/self/statm").exists():
        parser.error("it reads /proc, which only Linux has")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            count = max(1, round(WORK[name] * options.share))
            if name == "video":
                write_video(Path(folder) / "hour.mp4", count)
            rows[name] = row = watch(name, count, Path(folder))
            print(
                f"{count:,} {UNITS[name]} in {row['seconds']:.0f} s: {row['early_mib']:.0f} MiB, "
                f"then {row['late_mib']:.0f} MiB ({'flat' if row['flat'] else 'GROWS'})"
            )
    if options.json:
        arguments = " ".join(["python tests/long_runs.py", *(argv or sys.argv[1:])])
        write_json(options.json, {"command": arguments, "allowed_mib": ALLOWED, "runs": rows})
    return 0 if all(row["flat"] for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
