"""Names that command-line options accept.

They are defined here because the modules that implement them import Keras. `--help` and shell
completion must not wait for that.
"""

LOSSES = ("l1", "l2", "smooth_l1", "nme", "wing", "le", "enme")
NETWORKS = ("trnet20", "cnn6", "cnn7")
HEADS = ("pool", "windows", "flatten")
PRECISIONS = ("float32", "bfloat16")
OPTIMIZERS = ("adamw", "muon")
COMPRESSIONS = ("prune", "cluster")
# What models from elsewhere take for colors 0..255, as scale and offset.
INPUT_RANGES = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}
