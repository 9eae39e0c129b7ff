"""Measures the face score: what it tells apart on 300W's common test faces, and what it costs.

    python tests/benchmarks/bench_score.py --root 300w --json results/score/score.json \
        --picture docs/score/roc.png

Crops that score at least 0.5 are taken for a face. All photographs are of the common subset, which
neither training nor threshold has seen:
    faces       crops of the annotated boxes
    half        the same faces, each with its left, right, upper and lower half of the crop covered
                by a color, by noise and by a part of another photograph
    others      six kinds of crops without a face in its place, one of each from every photograph
                (keras_fld.face_score.scenes): beside the face, off it by two thirds of its size and
                more, parts of it, the face far too small, where single squares of the Haar cascade
                fire, and drawn textures
    landmarks   the crops that the preset's landmarks lead to after three passes: from boxes a
                little off the face, and from the boxes of `others`. Where they end decides which
                they are: a face from half an overlap (intersection over union) with the annotated
                box on, something else below 0.3; between the two is neither
    detector    the same from the boxes of the Haar detector; bench_face_score.py has BlazeFace's
The costs are medians of turns of all parts in one run, on one thread: the two interpreters alone;
`FaceLandmarker.detect` of a given box in a generated picture, with and without score; and
`FaceTracker` on a generated video with one face (tests/benchmarks/bench_video.py).
"""

import argparse
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from bench_video import FACES, follow, video  # noqa: E402

from keras_fld import FaceLandmarker, zoo  # noqa: E402
from keras_fld._internal.files import replacing, write_json  # noqa: E402
from keras_fld.data import catalog, synthetic  # noqa: E402
from keras_fld.data.augment import generator  # noqa: E402
from keras_fld.data.crops import model_crops  # noqa: E402
from keras_fld.face_score import roc  # noqa: E402
from keras_fld.face_score.occluders import COVERS, SIDES, cover_half  # noqa: E402
from keras_fld.face_score.scenes import KINDS, non_face, non_face_box, scenes, with_boxes  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import landmark_box  # noqa: E402
from keras_fld.predict.lite_model import LiteModel, ScoreModel  # noqa: E402
from keras_fld.predict.tracking.search import inside  # noqa: E402

SUBSET, THRESHOLD, FALSE_RATE = "common", 0.5, 0.01
FACE, ELSEWHERE = 0.5, 0.3
# Of the boxes that the landmarks start from on a face, in its size.
SHIFT, SCALE = 0.1, 0.15


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="folder of 300W; without it the costs alone")
    parser.add_argument("--score", type=Path, help="another face-score file")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--rounds", type=int, default=5, help="turns of the costs (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the ROC curves there")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.picture and not options.root:
        parser.error("--picture needs --root")
    return options


def crops_of(faces, places, frame):
    """Whole faces; side and cover to the half-covered ones; kind to the crops without a face."""
    whole = model_crops(faces, frame).images
    others = {}
    for kind in KINDS:
        chosen = [s for s in places if kind != "cascade" or len(s.squares)]
        others[kind] = np.stack(
            [non_face(s, generator(1, 1, i), frame, kind) for i, s in enumerate(chosen)]
        )
    half = {}
    for number, side in enumerate(SIDES):
        for cover in COVERS:
            half[side, cover] = np.stack(
                [
                    cover_half(
                        crop, side, cover, generator(1, 2 + number, i), others["shifted"][i - 1]
                    )
                    for i, crop in enumerate(whole)
                ]
            )
    return whole, half, others


def by_landmarks(landmarker, places):
    """Scores of the crops that landmarks lead to: those on faces, those elsewhere, and neither."""
    images = [scene.image for scene in places]
    starts = []
    for i, scene in enumerate(places):
        rng, size = generator(1, 9, i), max(scene.box[2:])
        shift, scale = SHIFT * size * rng.uniform(-1, 1, 2), 1 + SCALE * rng.uniform(-1, 1)
        middle = scene.box[:2] + scene.box[2:] / 2 + shift
        boxes = [np.array([*(middle - scale * scene.box[2:] / 2), *(scale * scene.box[2:])])]
        kinds = [k for k in KINDS if k != "texture" and (k != "cascade" or len(scene.squares))]
        boxes += [non_face_box(scene, generator(1, 1, i), kind) for kind in kinds]
        starts.append([box for box in boxes if inside(box, scene.image)])
    return _ended(landmarker.detect_many(images, starts, passes=3), places)


def by_detector(landmarker, faces, places):
    """The same from the detector's boxes in the photographs; and the number of its boxes."""
    images = (face.image() for face in faces.faces)
    found = landmarker.detect_many(images)
    truth = [face.box for face in faces.faces]
    return _ended(found, places, truth)


def _ended(found, places, truth=None):
    on, off, neither = [], [], 0
    for i, seen in enumerate(found):
        for face in seen:
            box = places[i].box if truth is None else truth[i]
            share = overlap([landmark_box(face.landmarks)], [box])[0, 0]
            if share >= FACE:
                on.append(face.score)
            elif share < ELSEWHERE:
                off.append(face.score)
            else:
                neither += 1
    return {"faces": np.array(on), "others": np.array(off), "neither": neither}


def figures(faces, others):
    """Area, rates at 1 % false positives and at the threshold."""
    at = roc.threshold_at(others, FALSE_RATE)
    return {
        "faces": len(faces),
        "others": len(others),
        "area": roc.area(faces, others),
        "true_rate_at_1_percent": roc.rate(faces, at),
        "threshold_at_1_percent": at,
        "kept": roc.rate(faces, THRESHOLD),
        "taken": roc.rate(others, THRESHOLD),
    }


def measure(options, model):
    """The figures of the common subset, and the scores that the curves are drawn from."""
    faces = with_boxes(catalog.read("300w", options.root, SUBSET))
    places = scenes(faces, every=1)
    whole, half, others = crops_of(faces, places, model.frame)
    scores = {kind: model.predict(crops) for kind, crops in others.items()}
    together = np.concatenate(list(scores.values()))
    halves = {key: model.predict(crops) for key, crops in half.items()}
    every_half = np.concatenate(list(halves.values()))
    landmarker = FaceLandmarker.from_preset(options.preset, score=options.score or True)
    ended = by_landmarks(landmarker, places)
    detected = by_detector(landmarker, faces, places)
    curves = {
        "annotated boxes": (model.predict(whole), together),
        "half of the crop covered": (every_half, together),
        "boxes of predicted landmarks": (ended["faces"], ended["others"]),
    }
    result = {
        "faces": figures(*curves["annotated boxes"]),
        "half": figures(every_half, together),
        "half_by_side": {
            side: roc.rate(np.concatenate([halves[side, c] for c in COVERS]), THRESHOLD)
            for side in SIDES
        },
        "half_by_cover": {
            cover: roc.rate(np.concatenate([halves[s, cover] for s in SIDES]), THRESHOLD)
            for cover in COVERS
        },
        "others": {
            kind: {"crops": len(s), "taken": roc.rate(s, THRESHOLD)} for kind, s in scores.items()
        },
        "landmarks": figures(ended["faces"], ended["others"]) | {"neither": ended["neither"]},
        "detector": {
            "faces": len(detected["faces"]),
            "kept": roc.rate(detected["faces"], THRESHOLD),
            "others": len(detected["others"]),
            "taken": int((detected["others"] >= THRESHOLD).sum()),
            "neither": detected["neither"],
        },
    }
    return result, curves


def costs(options, path):
    """Medians in ms of each part, all taking turns, and the ratios."""
    picture = synthetic.draw(4, size=480)
    box = [landmark_box(picture.landmarks)]
    files = {"landmark model": LiteModel(zoo.lite_file(options.preset)), "score": ScoreModel(path)}
    landmarkers = {
        "with": FaceLandmarker.from_preset(options.preset, score=path),
        "without": FaceLandmarker.from_preset(options.preset, score=None),
    }
    frames = video(FACES[1], 240)
    times = {}

    def add(name, call, runs):
        call()  # the part before has emptied the caches
        for _ in range(runs):
            started = time.perf_counter()
            call()
            times.setdefault(name, []).append(1000 * (time.perf_counter() - started))

    for _ in range(options.rounds):
        for _ in range(20):
            for name, model in files.items():
                add(name, model.run, 10)
            for name, landmarker in landmarkers.items():
                add(f"detect {name} score", lambda m=landmarker: m.detect(picture.image, box), 5)
        for name, landmarker in landmarkers.items():
            spent, _ = follow(landmarker, frames)
            times.setdefault(f"track {name} score", []).append(1000 * spent[:, 1].mean())
            times.setdefault(f"frame {name} score", []).append(1000 * np.median(spent[:, 1]))
    ms = {name: float(np.median(values)) for name, values in times.items()}
    return {
        "ms": ms,
        "score_over_landmark_model": ms["score"] / ms["landmark model"],
        "detect_with_over_without": ms["detect with score"] / ms["detect without score"],
        "track_with_over_without": ms["track with score"] / ms["track without score"],
        "frame_with_over_without": ms["frame with score"] / ms["frame without score"],
        "bytes": Path(path).stat().st_size,
    }


def draw(curves, path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for label, (faces, others) in curves.items():
        false, true, _ = roc.curve(faces, others)
        label = f"{label} ({len(faces):,}; {len(others):,} others)"
        (line,) = axes.step(100 * false, 100 * true, where="post", label=label)
        at = 100 * roc.rate(others, THRESHOLD), 100 * roc.rate(faces, THRESHOLD)
        axes.plot(*at, "o", color=line.get_color())
    axes.plot([], [], "o", color="gray", label=f"threshold {THRESHOLD:g}")
    axes.axvline(100 * FALSE_RATE, color="gray", linewidth=0.8, linestyle=":")
    axes.set(
        xscale="log",
        xlim=(0.03, 100),
        ylim=(50, 100.5),
        xlabel="other crops taken for a face, %",
        ylabel="faces kept, %",
        title="Face score on 300W common",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    path = options.score or zoo.score_file()
    about = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "preset": options.preset,
        "subset": SUBSET,
        "threshold": THRESHOLD,
        "rounds": options.rounds,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "opencv": cv2.__version__,
    }
    result = {"about": about, "costs": costs(options, path)}
    ratios = {k: v for k, v in result["costs"].items() if k.endswith(("model", "without"))}
    print("costs: " + ", ".join(f"{k.replace('_', ' ')} {v:.3f}" for k, v in ratios.items()))
    if options.root:
        measured, curves = measure(options, ScoreModel(path))
        result |= measured
        for name in ("faces", "half", "landmarks"):
            row = result[name]
            print(
                f"{name:<10} area {row['area']:.4f}, "
                f"{100 * row['true_rate_at_1_percent']:.1f} % at 1 % others; "
                f"at {THRESHOLD:g}: {100 * row['kept']:.1f} % kept, "
                f"{100 * row['taken']:.2f} % of others ({row['faces']} and {row['others']})"
            )
        for name in ("half_by_side", "half_by_cover", "others", "detector"):
            print(f"{name}: {result[name]}")
        if options.picture:
            draw(curves, options.picture)
    if options.json:
        write_json(options.json, result)


if __name__ == "__main__":
    main()
