"""What the refined module's local form adds: windows of each patch on an inner feature map."""

import keras
import numpy as np

from keras_fld.models.layers import ShapeOffset, offsets_layer, shape_layer, typical_shape
from keras_fld.models.windows import WindowedOffsets

# Positions a side that an inner map has at least: finer ones lie in earlier, simpler layers.
INNER_SIZE = 8


class Windows:
    """The windows of a model being refined: its own, trained further, or new ones.

    Args:
        model: the trained model.
        count: new windows of each patch; 0 for the model's own.

    Raises:
        ValueError: new windows for a model that has some, or no map to put them on.
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
        """Maps that new windows learn on: each channel with mean 0 and deviation 1 in round one."""
        if not self.own and not self._seen:
            self.mean, self.deviation = maps.mean(axis=(0, 1, 2)), maps.std(axis=(0, 1, 2)) + 1e-3
            self._seen = True
        return (maps - self.mean) / self.deviation

    def head(self, name, indices):
        """Input and offsets of one patch's windows."""
        maps = keras.Input(self.map.shape[1:])
        layer = WindowedOffsets({name: range(len(indices))}, self.count, name="windows")
        offsets = layer(maps)
        if self.own:
            layer.set_patch(name, *self.own.get_patch(name))
        else:
            layer.place(typical_shape(self._model)[indices], self._model.input_shape[1])
        return maps, offsets

    def assemble(self, refined, patches, heads):
        """The refined model with the heads' windows."""
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
        # Landmarks in no patch have windows too, which move nothing.
        layer = WindowedOffsets(
            {**patches, **({"rest": rest} if rest else {})}, self.count, name="windows"
        )
        inner = next(x for x in self._model.layers if x.output is self.map)
        added = layer(model.get_layer(inner.name).output)
        offsets = keras.layers.Add(name="sum")([offsets_layer(model).output, added])
        landmarks = ShapeOffset.from_config(shape_layer(model).get_config())(offsets)
        return keras.Model(model.input, landmarks, name=model.name), layer

    def _on_raw_maps(self, window, kernel, bias):
        """Kernel and bias that do on a raw map what these do on a standardised one."""
        channels = self.map.shape[-1]
        mean, deviation = np.full(channels, self.mean), np.full(channels, self.deviation)
        kernel = kernel.reshape(channels, self.count, -1) / deviation[:, None, None]
        shift = np.einsum("c,w,cwo->o", mean, window.sum(axis=0), kernel)
        return kernel.reshape(channels * self.count, -1), bias - shift


def windows_layer(model):
    """The model's `WindowedOffsets`, or None."""
    return next((x for x in model.layers if isinstance(x, WindowedOffsets)), None)


def _inner_map(model):
    """The deepest feature map of at least `INNER_SIZE` positions a side."""
    for layer in reversed(model.layers):
        if len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) >= INNER_SIZE:
            return layer.output
    raise ValueError(
        f"windows need a feature map of {INNER_SIZE}x{INNER_SIZE} positions or more. "
        f"Got: {model.name!r}, whose maps are smaller"
    )
