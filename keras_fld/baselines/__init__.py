"""The two methods in the paper's Figure 1 that are not networks: SDM and ERT.

Their `.npz` files can be used wherever a `.keras` or `.tflite` file can, for example in evaluation
and prediction.
"""

from keras_fld.baselines.opening import open_baseline
from keras_fld.baselines.sdm import SDM, train_sdm

__all__ = ["SDM", "open_baseline", "train_sdm"]
