"""Writes the landmarks of a video, frame by frame."""

from dataclasses import dataclass, field

from keras_fld.predict.output import VideoOutput


@dataclass
class VideoResult:
    """Counts and files of a video, updated while it is written.

    Args:
        frames: number of frames written so far.
        damaged: number of frames skipped so far because they could not be read.
        ids: ids of the faces seen.
        paths: paths of the files.
    """

    frames: int = 0
    damaged: int = 0
    ids: set[int] = field(default_factory=set)
    paths: list = field(default_factory=list)

    def __str__(self):
        faces, paths = len(self.ids), ", ".join(str(path) for path in self.paths)
        return (
            f"{self.frames} frame{'s' * (self.frames != 1)}, {faces} face{'s' * (faces != 1)}, "
            f"wrote {paths}"
        )

    def as_dict(self):
        """Returns the result as a dictionary for JSON."""
        paths = [str(path) for path in self.paths]
        return {
            "frames": self.frames,
            "damaged": self.damaged,
            "faces": len(self.ids),
            "files": paths,
        }


def predict_video(frames, tracker, output, formats, result, boxes=None, marks=None):
    """Tracks the faces of a video and writes them.

    The files are complete even if writing stops early: after an error or an interruption, they
    contain the frames up to that point.

    Args:
        frames: a `VideoFile` or `Camera`.
        tracker: a new `FaceTracker`.
        output: path of the files without their suffixes.
        formats: names from `output.VIDEO_FORMATS`.
        result: a `VideoResult` to fill.
        boxes: boxes of the faces in the first frame; None detects them.
        marks: the `Marks` of the faces; None draws landmarks and ids.

    Yields:
        Nothing, after each frame. At the end, `result` contains the counts.

    Raises:
        ValueError: the video ends too early, or a file cannot be written.

    Examples:
        >>> result = VideoResult()
        >>> frames = VideoFile("clip.mp4")
        >>> for _ in predict_video(frames, tracker, "out/clip", ("mp4",), result):
        ...     pass
        >>> print(result)
    """
    about = {name: getattr(frames, name) for name in ("time_base", "pixel_aspect", "sound")}
    with VideoOutput(output, formats, frames.size, frames.fps, marks, **about) as files:
        result.paths = files.paths
        try:
            for number, time, frame in frames:
                if boxes is not None and not number:
                    faces = tracker.start(frame, boxes, time)
                else:
                    faces = tracker.update(frame, time)
                files.write(number, time, frame, faces)
                result.ids |= {face.id for face in faces}
                yield
        finally:
            result.frames, result.damaged = files.frames, frames.damaged
