"""What the face score is trained on: as many faces as other crops, drawn anew in every batch."""

import cv2
import numpy as np

from keras_fld._internal.threads import one_opencv_thread
from keras_fld.data.augment import Augmentation, augment, change_pixels, generator
from keras_fld.face_score.occluders import COVERS, SIDES, cover_half
from keras_fld.face_score.scenes import KINDS, non_face

# Wider than for landmarks: a track's box is less exact than an annotated one, and heads tilt.
FACES = Augmentation(rotation=45.0, scale=0.15, jitter=0.07, color=0.4, blur=0.2, occlusion=0.2)
# Share of the faces half of which is covered, and of all crops that lose their detail.
HALF, COARSE = 0.3, 0.2


class Samples:
    """Draws crops with labels; a batch depends on its number and the seed alone.

    Args:
        crops: a list of `Crops` by `data.crops.training_crops`, one for each dataset.
        scenes: a list of `Scene`.
        shares: how often a face is of each of the datasets; they add up to 1.
        seed: of all that is drawn.

    Examples:
        >>> images, labels = Samples([crops], scenes, [1.0]).draw(number=0, count=128)
    """

    def __init__(self, crops, scenes, shares, seed=0):
        self.crops, self.scenes, self.shares, self.seed = crops, scenes, shares, seed
        self.frame = crops[0].frame

    @one_opencv_thread  # see data.sampling.Samples
    def draw(self, number, count):
        """Batch of a number: images (count, size, size, 3) uint8 and labels (count, 1) float32."""
        rng = generator(self.seed, 0, number)
        labels = np.arange(count) % 2
        images = [self.face(rng) if label else self.other(rng) for label in labels]
        return np.stack(images), labels[:, None].astype(np.float32)

    def face(self, rng):
        """A face, perhaps half covered."""
        crops = self.crops[rng.choice(len(self.crops), p=self.shares)]
        image, _ = augment(crops, int(rng.integers(len(crops))), rng, FACES)
        if rng.random() < HALF:
            side, cover = SIDES[rng.integers(len(SIDES))], COVERS[rng.integers(len(COVERS))]
            picture = self._cut(rng) if cover == "picture" else None
            image = cover_half(image, side, cover, rng, picture, rng.uniform(0.25, 0.52))
        return coarse(image, rng)

    def other(self, rng):
        """A crop that shows no face in its place."""
        return coarse(change_pixels(self._cut(rng), rng, FACES), rng)

    def _cut(self, rng):
        kind = rng.choice(list(KINDS), p=list(KINDS.values()))
        return non_face(self.scenes[rng.integers(len(self.scenes))], rng, self.frame, kind)


def coarse(image, rng):
    """The crop as a small face in a photograph would give it, sometimes."""
    if rng.random() >= COARSE:
        return image
    size = len(image)
    side = int(size * rng.uniform(0.3, 0.8))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
