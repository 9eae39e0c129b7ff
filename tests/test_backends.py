"""Training end to end on whichever backend Keras runs: `make test-backends` runs all three."""

import keras
import numpy as np

from keras_fld import losses, metrics, models


def test_fit_lowers_loss_and_error():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
    landmarks = rng.uniform(2, 14, (16, 5, 2)).astype(np.float32)
    landmarks[0, 1] = np.nan  # one landmark and one whole face are not annotated
    landmarks[3] = np.nan
    model = models.TRNet20(num_landmarks=5, input_size=16)
    before = [np.array(keras.ops.convert_to_numpy(x)) for x in model.trainable_variables]
    model.compile(
        keras.optimizers.Adam(5e-3),  # no weight decay: only gradients move weights
        loss=losses.ENME(alpha=2.0),
        metrics=[metrics.NME(normalizer=16.0)],
    )
    history = model.fit(
        images, landmarks, batch_size=8, epochs=12, shuffle=False, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all() and np.isfinite(history["nme"]).all()
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["nme"][-1] < 0.7 * history["nme"][0]
    # The gradient reaches every layer, and no NaN target does.
    for variable, old in zip(model.trainable_variables, before, strict=True):
        new = keras.ops.convert_to_numpy(variable)
        assert np.isfinite(new).all() and (new != old).any(), variable.path
    predicted = model.predict(images, verbose=0)
    assert predicted.shape == (16, 5, 2) and np.isfinite(predicted).all()
