"""A generated video: a drawn face moves smoothly, with known landmarks and camera noise."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from keras_fld.data import synthetic
from keras_fld.geometry.frame import compose, transform

FPS = 30.0


@dataclass(frozen=True)
class MovingFace:
    """A face that rests for `still` seconds, and then moves and rotates in the picture.

    Args:
        index: index of the drawn face.
        size: width and height of a frame.
        side: mean side of the drawn picture in the frame, in pixels.
        still: seconds of rest at the start.
        noise: standard deviation of the sensor's noise, which is new in each frame.
        center: position of the resting face, in fractions of the frame.
        reach: distance of the motion, in fractions of the frame's height.
        quality: JPEG quality of each frame; None for no compression.
    """

    index: int = 0
    size: tuple[int, int] = (640, 480)
    side: float = 300
    still: float = 2.0
    noise: float = 5.0
    center: tuple[float, float] = (0.5, 0.5)
    reach: float = 0.17
    quality: int | None = 85

    @cached_property
    def drawn(self):
        return synthetic.draw(self.index, size=480)

    @cached_property
    def background(self):
        """Blurred noise: a texture without a face."""
        rng, (width, height) = np.random.default_rng(self.index), self.size
        layers = [
            cv2.resize(
                rng.uniform(0, 85, (height // k, width // k)),
                self.size,
                interpolation=cv2.INTER_CUBIC,
            )
            for k in (12, 40, 120)
        ]
        tint = rng.uniform(0.6, 1.0, 3)
        return (sum(layers)[..., None] * tint).astype(np.float32)

    @cached_property
    def mask(self):
        """The drawn picture blends into the background at its edge."""
        ramp = np.linspace(-1, 1, 480)
        distance = np.maximum(np.abs(ramp[:, None]), np.abs(ramp))
        return np.clip((1 - distance) / 0.12, 0, 1).astype(np.float32)

    def matrix(self, time):
        """The matrix from pixels of the drawn picture to those of the frame: (2, 3)."""
        t = max(0.0, time - self.still)
        start = 1 - np.exp(-((t / 0.5) ** 2))  # no jerk
        width, height = self.size
        across = self.reach * height * np.sin(2 * np.pi * 0.5 * t + 0.3 * self.index) * start
        down = 0.4 * self.reach * height * np.sin(2 * np.pi * 0.8 * t) * start
        angle = np.radians(12) * np.sin(2 * np.pi * 0.4 * t) * start
        scale = self.side / 480 * np.exp(0.15 * np.sin(2 * np.pi * 0.25 * t) * start)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        center = self.center[0] * width + across, self.center[1] * height + down
        to = np.column_stack([turn, np.zeros(2)])
        to[:, 2] = np.array(center) - turn @ [239.5, 239.5]
        return to

    def landmarks(self, time):
        """(68, 2) frame pixels at a time in seconds."""
        return transform(self.drawn.landmarks, self.matrix(time))

    def frame(self, number, face=True):
        """A frame by its number, with or without the face: (height, width, 3) uint8 RGB."""
        picture = self.background.copy()
        if face:
            self.paint(picture, number / FPS)
        return self.photographed(picture, number)

    def paint(self, picture, time):
        """Draws the face into a float32 picture."""
        shrink = self.side / 480
        side = max(1, round(480 * shrink))
        image = cv2.resize(self.drawn.image, (side, side), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(self.mask, (side, side), interpolation=cv2.INTER_AREA)
        grow = 480 / side
        step = np.array([[grow, 0, grow / 2 - 0.5], [0, grow, grow / 2 - 0.5]])
        to = compose(self.matrix(time), step)
        face = cv2.warpAffine(image.astype(np.float32), to, self.size, flags=cv2.INTER_CUBIC)
        share = cv2.warpAffine(mask, to, self.size, flags=cv2.INTER_LINEAR)[..., None]
        picture += share * (face - picture)

    def photographed(self, picture, number):
        """Adds the noise and the compression of a frame to a float32 picture."""
        rng = np.random.default_rng([self.index, number])
        picture = picture + self.noise * rng.standard_normal(picture.shape, np.float32)
        picture = picture.clip(0, 255).astype(np.uint8)
        if self.quality is None:
            return picture
        _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()
