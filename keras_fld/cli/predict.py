"""The command `keras-fld predict`."""

import math
from pathlib import Path

import click

from keras_fld._internal.files import printable
from keras_fld.cli import complete, native
from keras_fld.cli.bars import bars
from keras_fld.cli.options import JSON, out_option, show


@click.command()
@click.argument("inputs", nargs=-1, type=click.Path())
@click.option(
    "--model",
    default="trnet20_300w",
    show_default=True,
    type=click.Path(),
    help="A model file or a preset.",
    shell_complete=complete.MODELS,
)
@out_option("Folder for the files.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["png", "json", "pts", "mp4", "webm", "jsonl", "csv"]),
    help="What to write, as often as wanted: png, json, pts, jsonl, csv for images; mp4, webm, "
    "jsonl, csv for videos.  [default: png and json; mp4 and jsonl]",
)
@click.option("--camera", type=click.IntRange(0), help="Number of a webcam, from 0; Ctrl-C ends.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long, of a webcam.")
@click.option(
    "--max-frames",
    type=click.IntRange(1),
    help="End a video or stream after so many frames.",
)
@click.option(
    "--box",
    help="x,y,width,height of the face, tight around its landmarks. In a video, of the first "
    "frame: that face is followed, and not looked for again once it is lost.",
)
@click.option(
    "--detector",
    help="blazeface; blazeface-turned, for faces turned by any angle; blazeface-short; haar; "
    "haar-frontal; or the path of a YuNet .onnx file.  [default: blazeface; in videos "
    "blazeface-short]",
    shell_complete=complete.DETECTORS,
)
@click.option(
    "--min-face",
    type=click.FloatRange(0, min_open=True),
    help="Smallest face looked for in images: a share of the longer side, or pixels from 1 on. "
    "Half of it takes four times as long.  [default: 0.03; a sixth beside a face of a fifth]",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    help="Images that declare more pixels are refused before they are decoded.  "
    "[default: 250000000]",
)
@click.option(
    "--passes",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Passes for each found face: from the second on, cut by the landmarks before.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="Lowest face score of a found face; 0 keeps all, and in videos leaves it to the "
    "detector.  [default: 0 in images, 0.5 in videos]",
)
@click.option("--score", type=click.Path(), help="A face-score file instead of the package's.")
@click.option(
    "--no-score",
    is_flag=True,
    help="No face score. The package's is for research, as its 300W models are; with its other "
    "presets it is off anyway.",
)
@click.option(
    "--search-every",
    default=90,
    show_default=True,
    type=click.IntRange(1),
    help="Frames of a video between two searches for new faces.",
)
@click.option(
    "--search-side",
    default=320,
    show_default=True,
    type=click.IntRange(32),
    help="Longer side in pixels to which frames are reduced for it.",
)
@click.option(
    "--smooth/--no-smooth", default=True, show_default=True, help="Smooth landmarks of videos."
)
@click.option("--recursive", is_flag=True, help="Look into the folders of a folder too.")
@click.option("--numbers", is_flag=True, help="Draw each landmark's index.")
@click.option("--boxes", is_flag=True, help="Draw each face's box.")
@click.option("--scores", is_flag=True, help="Draw each face's score.")
@click.option(
    "--ids/--no-ids", default=None, help="Draw each face's number.  [default: only in videos]"
)
@JSON
@click.option("--quiet", is_flag=True, help="No progress bar, and no line for a file that is done.")
def predict(
    inputs, model, out, formats, camera, seconds, box, detector, min_face, passes, **options
):
    """Landmarks of every face in INPUTS: images, videos, folders of them, URLs of streams; or of a
    --camera.

    An image becomes a PNG with its landmarks drawn and a JSON file; a video, an mp4 and a file of
    JSON lines, in which each face keeps its number. Faces are found by --detector, or taken from
    --box, in a video's first frame. What scores less than --min-score is left out, and in a video
    it is lost; a --box in an image is kept. An image without a face is no error: its files say
    so, with an empty list of faces, and so does a line. A bad file does not stop the others; after
    Ctrl-C a video's files hold what was done. A video's damaged frames are left out and counted.
    Inputs are never written over. --json prints the inputs with their numbers of faces and files,
    and the errors.

    \b
    keras-fld predict photo.jpg clip.mp4 --out result
    keras-fld predict photos --recursive --format pts --out points
    keras-fld predict --camera 0 --seconds 10 --out result
    keras-fld predict rtsp://192.168.0.9/live --max-frames 900 --out result
    """
    if bool(inputs) == (camera is not None):
        raise click.UsageError("give INPUTS or --camera, one of them")
    if seconds is not None and camera is None:
        raise click.UsageError("--seconds is for a --camera")
    if options["score"] and options["no_score"]:
        raise click.UsageError("give --score or --no-score, one of them")
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
    """One call of the command: what it was given, what is done and what failed."""

    def __init__(self, landmarker, out, formats, boxes, options):
        self.landmarker, self.out, self.formats, self.given = landmarker, out, formats, boxes
        self.quiet, self.ids = options["quiet"], options["ids"]
        self.marks = {key: options[key] for key in ("numbers", "boxes", "scores")}
        self.max_frames = options["max_frames"]
        self.recursive = options["recursive"]
        self.tracking = {key: options[key] for key in ("smooth", "search_every", "search_side")}
        # In photographs the score would drop profiles, and nothing else that BlazeFace finds.
        self.least = options["min_score"] or 0.0
        if options["min_score"] is not None:
            self.tracking["min_score"] = options["min_score"]
        if boxes:  # a face whose box is given may be one that the detector does not find
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
        """The faces that score enough; a line says where there is none."""
        least = 0.0 if self.given else self.least
        good = [face for face in faces if face.score is None or face.score >= least]
        if not good:
            why = "no face found"
            if faces:
                # Rounded down, so that it is not said to be what it falls short of.
                best = math.floor(1000 * max(face.score for face in faces)) / 1000
                why = f"no face found that scores {least:g} (--min-score), the best has {best:.3f}"
            note = f"Note: {printable(path)}: {why}; --box x,y,width,height gives one"
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
        """Follows the faces of a video or camera; says what was written even if it ends badly."""
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
            steps.close()  # ends the files, after Ctrl-C too
            # A video that a full disk refused is not there.
            result.paths = [path for path in result.paths if path.exists()]
            if result.damaged:
                click.echo(
                    f"Note: {name}: {result.frames} of {result.frames + result.damaged} frames "
                    f"read; {result.damaged} damaged ones left out",
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
        line = f"license of the weights of {printable(name)}: {license}"
        about = {"model": printable(name), "license": license}
        show(
            line if license and self.done and not self.quiet else None,
            {**about, "files": self.done, "errors": self.errors},
        )

    def fail(self, error):
        self.errors.append(printable(" ".join(str(error).split())))
        click.echo(f"Error: {self.errors[-1]}", err=True)


def _listed(paths):
    """Paths in a line: the first, and what the others end in."""
    if not paths:  # points of no face
        return "nothing"
    first, *others = (str(path) for path in paths)
    stem = first.rpartition(".")[0]
    return " and ".join([first, *(path.removeprefix(stem) for path in others)])


def _silence_opencv():
    """OpenCV writes lines of its own about a camera that is not there; ours names it."""
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
