"""The command `keras-fld predict`."""

import math
from pathlib import Path

import click

from keras_fld._internal.files import printable
from keras_fld.cli import complete, native
from keras_fld.cli.bars import bars
from keras_fld.cli.options import JSON, out_option, show
from keras_fld.cli.sections import SectionedCommand

# What licenses whose identifier does not say it allow.
_TERMS = {"LicenseRef-300W-Weights": " (non-commercial research only)"}


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
@out_option("Folder for the results.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["png", "json", "pts", "mp4", "webm", "jsonl", "csv"]),
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
    help="Passes of the model for each detected face. Each further pass crops the face by the "
    "landmarks of the previous one.",
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
    native.start(model)
    from keras_fld.predict.landmarker import FaceLandmarker

    landmarker = FaceLandmarker(model, detector, passes, score, min_face, options["max_pixels"])
    run = _Run(landmarker, Path(out), formats, boxes, options)
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


class _Run:
    """One call of the command: its options, results and errors."""

    def __init__(self, landmarker, out, formats, boxes, options):
        self.landmarker, self.out, self.formats, self.given = landmarker, out, formats, boxes
        self.quiet, self.ids = options["quiet"], options["ids"]
        self.marks = {key: options[key] for key in ("numbers", "boxes", "scores")}
        self.max_frames = options["max_frames"]
        self.recursive = options["recursive"]
        self.tracking = {key: options[key] for key in ("smooth", "search_every", "search_side")}
        # In photographs, the score would drop only profiles of what BlazeFace finds.
        self.least = options["min_score"] or 0.0
        if options["min_score"] is not None:
            self.tracking["min_score"] = options["min_score"]
        if boxes:  # the detector may not find the face
            self.tracking["search_every"] = None
        self.done, self.errors = [], []

    def files(self, inputs):
        from keras_fld._internal.files import sweep
        from keras_fld.predict import folders
        from keras_fld.predict.inputs import protect_inputs, sources

        found = []
        for path in inputs:
            try:
                found += sources(path, self.recursive)
            except ValueError as error:
                self.fail(error)
        for path in inputs:
            for sentence in folders.notes(path, found, self.recursive):
                click.echo(f"Note: {printable(path)}: {sentence}", err=True)
        try:
            if self.recursive:
                folders.check_outside(self.out, inputs)
            names = folders.result_names(found, inputs, self.recursive)
            protect_inputs(self.out, inputs, found, names, self.formats)
        except ValueError as error:
            self.fail(error)
            return
        sweep(self.out)
        for source, name in zip(found, names, strict=True):
            try:
                {"image": self.image, "video": self.video}[source.kind](
                    source.path, self.out / name
                )
            except ValueError as error:
                self.fail(error)

    def image(self, path, output):
        from keras_fld._internal.images import as_rgb
        from keras_fld.predict.output import Marks, write_image

        formats = self.formats_of("image", path)
        picture = as_rgb(path, max_pixels=self.landmarker.max_pixels)
        try:
            faces = self.landmarker.detect(picture, self.given)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        faces = self.certain(path, faces)
        marks = Marks(ids=bool(self.ids), **self.marks)
        paths = write_image(output, formats, path, picture, faces, marks)
        self.finish(
            f"{path}: {len(faces)} face{'s' * (len(faces) != 1)}, wrote {_listed(paths)}",
            {"input": str(path), "faces": len(faces), "files": [str(path) for path in paths]},
        )

    def certain(self, path, faces):
        """Returns the faces that score enough; prints a note if there are none."""
        least = 0.0 if self.given else self.least
        good = [face for face in faces if face.score is None or face.score >= least]
        if not good:
            why = "no face found"
            if faces:
                # Rounded down: a score just below the limit must not look equal to it.
                best = math.floor(1000 * max(face.score for face in faces)) / 1000
                why = f"no face scores at least {least:g} (--min-score); the best scores {best:.3f}"
            note = f"Note: {printable(path)}: {why}; use --box x,y,width,height to give its box"
            click.echo(note, err=True)
        return good

    def video(self, path, output):
        from keras_fld.predict.media import VideoFile, address, ffmpeg
        from keras_fld.predict.output import DRAWN_FORMATS

        formats = self.formats_of("video", path)
        try:
            ffmpeg.quiet()
        except ImportError as error:
            raise ValueError(f"{address.shown(path)}: {error}") from error
        sound = not {*DRAWN_FORMATS}.isdisjoint(formats)
        with VideoFile(path, self.max_frames, sound=sound) as video:
            self.frames(video.name, video, output, formats)

    def camera(self, number, seconds):
        from keras_fld.predict.inputs import formats_of
        from keras_fld.predict.media import Camera

        formats = formats_of("video", self.formats)
        _silence_opencv()
        try:
            frames = Camera(number, seconds, self.max_frames)
            self.frames(frames.name, frames, self.out / f"camera{number}", formats)
        except ValueError as error:
            self.fail(error)

    def frames(self, name, frames, output, formats):
        """Tracks the faces of a video or camera; reports the written files even after an error."""
        from keras_fld._internal.progress import counting
        from keras_fld.predict.output import Marks
        from keras_fld.predict.tracking import FaceTracker
        from keras_fld.predict.video import VideoResult, predict_video

        tracker = FaceTracker(self.landmarker, **self.tracking)
        result = VideoResult()
        marks = Marks(ids=self.ids is not False, **self.marks)
        steps = predict_video(frames, tracker, output, formats, result, self.given, marks)
        try:
            with counting(str(name), frames.count) as done:
                for _ in steps:
                    done(1)
        except ValueError as error:
            message = str(error)
            raise ValueError(message if str(name) in message else f"{name}: {message}") from error
        finally:
            steps.close()  # completes the files, even after Ctrl-C
            # If the disk is full, the video does not exist.
            result.paths = [path for path in result.paths if path.exists()]
            if result.damaged:
                click.echo(
                    f"Note: {name}: {result.frames} of {result.frames + result.damaged} frames "
                    f"read; {result.damaged} damaged frames skipped",
                    err=True,
                )
            if result.frames and result.paths:
                self.finish(f"{name}: {result}", {"input": str(name), **result.as_dict()})

    def formats_of(self, kind, path):
        from keras_fld.predict.inputs import formats_of

        try:
            return formats_of(kind, self.formats)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def finish(self, line, about):
        self.done.append(about)
        if not self.quiet:
            show(printable(line))

    def end(self, name):
        """The license of what was done, and with --json all of it."""
        license = self.landmarker.license
        line = f"license of the weights of {printable(name)}: {license}{_TERMS.get(license, '')}"
        about = {"model": printable(name), "license": license}
        show(
            line if license and self.done and not self.quiet else None,
            {**about, "files": self.done, "errors": self.errors},
        )

    def fail(self, error):
        self.errors.append(printable(" ".join(str(error).split())))
        click.echo(f"Error: {self.errors[-1]}", err=True)


def _listed(paths):
    """Paths in one line: the first, then only the suffixes of the others."""
    if not paths:  # .pts files of an image without a face
        return "nothing"
    first, *others = (str(path) for path in paths)
    stem = first.rpartition(".")[0]
    return " and ".join([first, *(path.removeprefix(stem) for path in others)])


def _silence_opencv():
    """Silences OpenCV's messages on a missing camera; ours names the camera."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _parse_box(text):
    from keras_fld.geometry.frame import check_box

    try:
        return check_box([float(part) for part in text.split(",")])
    except ValueError:
        raise ValueError(
            f"--box must be x,y,width,height with a positive size. Got: {text}"
        ) from None
