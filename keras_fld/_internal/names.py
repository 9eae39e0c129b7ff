"""Names that options take. The modules that give them a meaning load Keras, which a shell that
completes them, or `--help`, must not wait for."""

LOSSES = ("l1", "l2", "smooth_l1", "nme", "wing", "le", "enme")
NETWORKS = ("trnet20", "cnn6", "cnn7")
HEADS = ("pool", "windows", "flatten")
PRECISIONS = ("float32", "bfloat16")
OPTIMIZERS = ("adamw", "muon")
COMPRESSIONS = ("prune", "cluster")
# What models from elsewhere take for colors 0..255, as scale and offset.
INPUT_RANGES = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}
