"""A short training on few faces, some masked: `python -m tests.training.processes_work FOLDER`.

Environment variables can make it one of several processes.
"""

import os
import sys

import numpy as np


def main(out):
    from keras_fld.training import distributed

    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
        distributed.join()
    from keras_fld import training
    from keras_fld.training import run

    def masked(recipe, data, *rest):
        network = build(recipe, data, *rest)
        data.landmarks[1, 5:60] = np.nan
        data.landmarks[4] = np.nan
        return network

    build, run.new_network = run.new_network, masked
    # 10 training faces in batches of 4, 4 and 2; 2 or 3 are held out.
    recipe = training.Recipe(
        dataset="synthetic",
        dataset_options={"count": 13},
        network="tests.tiny:tiny",
        epochs=2,
        batch_size=4,
        input_size=32,
        learning_rate=3e-3,
        warmup=1.0,
        averaging=0.9,
        validation=0.2,
        seed=4,
    )
    training.train(recipe, out, verbose=0)


if __name__ == "__main__":
    main(sys.argv[1])
