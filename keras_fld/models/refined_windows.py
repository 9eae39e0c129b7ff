"""The local form of the refined module: windows of each patch on an inner feature map."""

import keras
import numpy as np

from keras_fld.models.layers import ShapeOffset, offsets_layer, shape_layer, typical_shape
from keras_fld.models.windows import WindowedOffsets

# Minimum side of the inner map in positions. Finer maps are in earlier, simpler layers.
INNER_SIZE = 8


class Windows:
    """The windows of a model that is refined: either its own ones, or new ones.

    Args:
        model: the trained model.
        count: number of new windows of each patch; 0 trains the model's own windows.

    Raises:
        ValueError: the model already has windows, or has no map for new ones.
    """

    def __init__(self, model, count):
        self.own = windows_layer(model)
        if self.own and count:
            raise ValueError(f"windows must be 0: the model has its own. Got: {count}")
        self.count = self.own.windows if self.own else count
        self.map = self.own.input if self.own else _inner_map(model)
        self.mean, self.deviation = 0.0, 1.0
        self._model, self._seen = model, False

    def standardise(self, maps):
        """Standardizes the maps for new windows, with the statistics of the first round."""
        if not self.own and not self._seen:
            self.mean, self.deviation = maps.mean(axis=(0, 1, 2)), maps.std(axis=(0, 1, 2)) + 1e-3
            self._seen = True
        return (maps - self.mean) / self.deviation

    def head(self, name, indices):
        """Returns input and offsets of one patch's windows."""
        maps = keras.Input(self.map.shape[1:])
        layer = WindowedOffsets({name: range(len(indices))}, self.count, name="windows")
        offsets = layer(maps)
        if self.own:
            layer.set_patch(name, *self.own.get_patch(name))
        else:
            layer.place(typical_shape(self._model)[indices], self._model.input_shape[1])
        return maps, offsets

    def assemble(self, refined, patches, heads):
        """Returns the refined model with the heads' windows."""
        layer = windows_layer(refined)
        if not layer:
            refined, layer = self._with_new_layer(refined, patches)
        for name in patches:
            window, kernel, bias = heads[name].get_layer("windows").get_patch(name)
            layer.set_patch(name, window, *self._on_raw_maps(window, kernel, bias))
        return refined

    def _with_new_layer(self, model, patches):
        covered = {i for indices in patches.values() for i in indices}
        rest = [i for i in range(model.output_shape[1]) if i not in covered]
        # Landmarks that are not in any patch have windows, too, with zero weights.
        layer = WindowedOffsets(
            {**patches, **({"rest": rest} if rest else {})}, self.count, name="windows"
        )
        inner = next(x for x in self._model.layers if x.output is self.map)
        added = layer(model.get_layer(inner.name).output)
        offsets = keras.layers.Add(name="sum")([offsets_layer(model).output, added])
        landmarks = ShapeOffset.from_config(shape_layer(model).get_config())(offsets)
        return keras.Model(model.input, landmarks, name=model.name), layer

    def _on_raw_maps(self, window, kernel, bias):
        """Converts kernel and bias for standardized maps to the equivalent ones for raw maps."""
        channels = self.map.shape[-1]
        mean, deviation = np.full(channels, self.mean), np.full(channels, self.deviation)
        kernel = kernel.reshape(channels, self.count, -1) / deviation[:, None, None]
        shift = np.einsum("c,w,cwo->o", mean, window.sum(axis=0), kernel)
        return kernel.reshape(channels * self.count, -1), bias - shift


def windows_layer(model):
    """Returns the model's `WindowedOffsets`, or None."""
    return next((x for x in model.layers if isinstance(x, WindowedOffsets)), None)


def _inner_map(model):
    """Returns the deepest feature map of at least `INNER_SIZE` positions a side."""
    for layer in reversed(model.layers):
        if len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) >= INNER_SIZE:
            return layer.output
    raise ValueError(
        f"windows need a feature map of at least {INNER_SIZE}x{INNER_SIZE} positions. "
        f"Got: {model.name!r}, whose maps are smaller"
    )
