"""What `keras-fld predict` does with its inputs, one after the other."""

import math

import click

from keras_fld._internal.files import printable
from keras_fld.cli.options import show

# Terms of licenses whose identifier does not tell them.
_TERMS = {
    "LicenseRef-300W-Weights": " (non-commercial research only)",
    "CC-BY-4.0": " (credit the sources listed on its card)",
}


class Prediction:
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
