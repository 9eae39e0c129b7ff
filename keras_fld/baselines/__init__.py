"""The methods of the paper's Figure 1 that are not networks: SDM and ERT.

They are judged, and draw landmarks, as every model of the package: their files end in `.npz` and
open wherever a `.keras` or a `.tflite` does.
"""

from keras_fld.baselines.opening import open_baseline
from keras_fld.baselines.sdm import SDM, train_sdm

__all__ = ["SDM", "open_baseline", "train_sdm"]
