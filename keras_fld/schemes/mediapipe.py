"""iBUG-68 from MediaPipe's face mesh: 468 vertices, or 478 with the two irises.

MediaPipe publishes no such table. This one is the list of vertices that most public code uses,
except for three pairs from other public tables that are closer to the annotation: the ends of the
contour (127 and 356 instead of 162 and 389), the fourth landmark from each end (the mean of 58 and
132, and of 288 and 361), and the outer ends of the brows (70 and 300 instead of 71 and 301).

Accuracy with MediaPipe 0.10.14 on 277 faces of the 300W common set: the mean distance from the
annotated landmarks is 4.6 % of the inter-ocular distance (contour 7.9, brows 5.2, nose 3.4, eyes
2.5, mouth 3.1). The mesh does not follow the visible outline of the cheek, so the contour is the
least accurate part, especially on a turned head.
"""

MEDIAPIPE = "mediapipe478"
MEDIAPIPE_LANDMARKS = (478, 468)

IBUG68_FROM_MEDIAPIPE = (
    *(127, 234, 93, (58, 132), 172, 136, 149, 148, 152),
    *(377, 378, 365, 397, (288, 361), 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)
