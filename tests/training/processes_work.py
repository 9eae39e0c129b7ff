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
    import keras

    from keras_fld import models, training
    from keras_fld.geometry.frame import MARGIN, FaceCrop
    from keras_fld.models.layers import crop_input, landmark_head
    from keras_fld.training import run

    def tiny(num_landmarks, input_size, margin=MARGIN, scheme=None, mean_shape=None):
        """A network with a convolution, BatchNorm and a Dense."""
        inputs, x = crop_input(input_size, 4)
        x = keras.layers.Conv2D(4, 3, strides=4, use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.GlobalAveragePooling2D()(x)
        frame = FaceCrop(input_size, margin)
        return keras.Model(inputs, landmark_head(x, num_landmarks, frame, scheme, mean_shape))

    def masked(recipe, data, *rest):
        network = build(recipe, data, *rest)
        data.landmarks[1, 5:60] = np.nan
        data.landmarks[4] = np.nan
        return network

    models.NETWORKS["tiny"] = tiny
    build, run.new_network = run.new_network, masked
    # 10 training faces in batches of 4, 4 and 2; 2 or 3 are held out.
    recipe = training.Recipe(
        dataset="synthetic",
        dataset_options={"count": 13},
        network="tiny",
        epochs=3,
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
