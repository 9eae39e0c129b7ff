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
