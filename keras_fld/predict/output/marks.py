"""What is drawn of each face besides its landmarks."""

from dataclasses import dataclass

from keras_fld import drawing


@dataclass(frozen=True)
class Marks:
    """Choices for the pictures of faces.

    Args:
        numbers: whether to write each landmark's index.
        boxes: whether to draw each face's box.
        ids: whether to write each face's number: its place in the list of faces, from 1, or the id
            of a tracked face.
        scores: whether to write each face's score, if it has one.

    Examples:
        >>> picture = Marks(boxes=True, scores=True).draw(image, landmarker.detect(image))
    """

    numbers: bool = False
    boxes: bool = False
    ids: bool = False
    scores: bool = False

    def draw(self, picture, faces):
        """Draws `DetectedFace`s or `TrackedFace`s: (height, width, 3) uint8 RGB, as `picture`."""
        for place, face in enumerate(faces, 1):
            words = [str(getattr(face, "id", place))] if self.ids else []
            if self.scores and face.score is not None:
                words.append(f"{face.score:.2f}")
            picture = drawing.draw_landmarks(
                picture,
                face.landmarks,
                face.scheme,
                self.numbers,
                box=(*face.box, face.angle) if self.boxes else None,
                label="  ".join(words),
            )
        return picture
