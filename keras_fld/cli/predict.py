"""The command `keras-fld predict`."""

from pathlib import Path

import click

from keras_fld._internal.files import check_writable
from keras_fld.cli import complete, native
from keras_fld.cli.bars import bars
from keras_fld.cli.options import JSON
from keras_fld.cli.out import out_option
from keras_fld.cli.prediction import Prediction
from keras_fld.cli.sections import SectionedCommand

_FORMATS = "png", "json", "pts", "mp4", "webm", "jsonl", "csv"


@click.command(
    short_help="Finds landmarks in images, videos and camera frames.",
    cls=SectionedCommand,
    sections={
        "Input": "--camera --seconds --max-frames --max-pixels --recursive",
        "Output": "--out --format --json --quiet",
        "Drawing": "--numbers --boxes --scores --ids",
        "Model": "--model --passes",
        "Face detection": "--detector --box --min-face",
        "Face score": "--min-score --score --no-score",
        "Video": "--smooth --search-every --search-side",
    },
)
@click.argument("inputs", nargs=-1, type=click.Path())
@click.option(
    "--model",
    default="trnet20_300w",
    show_default=True,
    type=click.Path(),
    help="Model file or preset.",
    shell_complete=complete.MODELS,
)
@out_option("Folder for the results.", formats=_FORMATS)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(_FORMATS),
    help="Output format; repeatable. Images: png, json, pts, jsonl, csv. Videos: mp4, webm, jsonl, "
    "csv.  [default: png and json for images, mp4 and jsonl for videos]",
)
@click.option(
    "--camera", type=click.IntRange(0), help="Read from this webcam, numbered from 0. Ctrl-C stops."
)
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), help="Stop the webcam after this time."
)
@click.option(
    "--max-frames",
    type=click.IntRange(1),
    help="Stop each video or stream after this many frames.",
)
@click.option(
    "--box",
    help="Face box as x,y,width,height in pixels, tight around the landmarks; replaces the "
    "detector. In a video, the box in the first frame: this face is tracked, and not searched for "
    "once it is lost.",
)
@click.option(
    "--detector",
    help="Face detector: blazeface; blazeface-turned, for faces at any roll angle; "
    "blazeface-short, for large faces; haar; haar-frontal; or a YuNet .onnx file.  [default: "
    "blazeface for images, blazeface-short for videos]",
    shell_complete=complete.DETECTORS,
)
@click.option(
    "--min-face",
    type=click.FloatRange(0, min_open=True),
    help="Smallest face to search for in images: a fraction of the longer side, or pixels if 1 or "
    "more. Halving it quadruples the time.  [default: 0.03; 1/6 if a face of at least 1/5 is "
    "found]",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    help="Reject images with more pixels, before decoding.  [default: 250000000]",
)
@click.option(
    "--passes",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Maximum number of passes of the model for each detected face. Each further pass crops "
    "the face by the landmarks of the previous one; it is skipped if its crop is nearly the same.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="Minimum face score. Lower-scoring faces are dropped; in videos their track ends.  "
    "[default: 0 for images, 0.5 for videos]",
)
@click.option(
    "--score", type=click.Path(), help="Face-score file to use instead of the built-in one."
)
@click.option(
    "--no-score",
    is_flag=True,
    help="Do not compute face scores. The built-in face score is licensed for research only, as "
    "are the 300W presets; other presets do not use it by default.",
)
@click.option(
    "--search-every",
    default=90,
    show_default=True,
    type=click.IntRange(1),
    help="Search a video for new faces every this many frames.",
)
@click.option(
    "--search-side",
    default=320,
    show_default=True,
    type=click.IntRange(32),
    help="Longer side in pixels of the reduced frames that are searched.",
)
@click.option(
    "--smooth/--no-smooth", default=True, show_default=True, help="Smooth the landmarks in videos."
)
@click.option("--recursive", is_flag=True, help="Search folders recursively.")
@click.option("--numbers", is_flag=True, help="Draw the index of each landmark.")
@click.option("--boxes", is_flag=True, help="Draw the box of each face.")
@click.option("--scores", is_flag=True, help="Draw the score of each face.")
@click.option(
    "--ids/--no-ids", default=None, help="Draw the number of each face.  [default: only in videos]"
)
@JSON
@click.option("--quiet", is_flag=True, help="Do not show progress or finished files.")
def predict(
    inputs, model, out, formats, camera, seconds, box, detector, min_face, passes, **options
):
    """Finds the landmarks of every face in INPUTS or from a --camera.

    INPUTS are images, videos, folders of these, or stream URLs. For an image, the command writes a
    PNG file with the landmarks drawn and a JSON file; for a video, an mp4 file and a JSON Lines
    file, in which each face keeps its number.

    Faces are found by --detector or given by --box. Faces below --min-score are dropped; in videos
    their track ends. Faces given by --box are always kept in images. An image without a face is not
    an error: its list of faces is empty, and a note says so. A bad file does not stop the others.
    After Ctrl-C, a video's files contain the frames done so far. Damaged frames of a video are
    skipped and counted. Inputs are never overwritten. --json prints the number of faces and the
    files of each input, and the errors.

    \b
    keras-fld predict photo.jpg clip.mp4 --out result
    keras-fld predict photos --recursive --format pts --out points
    keras-fld predict --camera 0 --seconds 10 --out result
    keras-fld predict rtsp://192.168.0.9/live --max-frames 900 --out result
    """
    if bool(inputs) == (camera is not None):
        raise click.UsageError("give either INPUTS or --camera")
    if seconds is not None and camera is None:
        raise click.UsageError("--seconds needs --camera")
    if options["score"] and options["no_score"]:
        raise click.UsageError("give either --score or --no-score")
    boxes = None if box is None else [_parse_box(box)]
    score = None if options["no_score"] else options["score"] or "default"
    check_writable(out, folder=True)
    native.start(model)
    from keras_fld.predict.landmarker import FaceLandmarker

    landmarker = FaceLandmarker(model, detector, passes, score, min_face, options["max_pixels"])
    run = Prediction(landmarker, Path(out), formats, boxes, options)
    try:
        with bars(hidden=options["quiet"]):
            if camera is not None:
                run.camera(camera, seconds)
            else:
                run.files(inputs)
    finally:  # after Ctrl-C too
        run.end(Path(model).name)
    if run.errors:
        raise SystemExit(2)


def _parse_box(text):
    from keras_fld.geometry.frame import check_box

    try:
        return check_box([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(
            f"--box must be x,y,width,height with a positive size. Got: {text}"
        ) from None
