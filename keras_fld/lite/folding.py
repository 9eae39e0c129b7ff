"""The same model in fewer operations, for export."""


def check(model):
    """Raises ValueError for a model that `export_model` cannot fold."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            raise ValueError(
                "a model to export must not have another model as a layer. "
                f"Got: layer {layer.name!r}, a {type(layer).__name__}"
            )
        quantized = layer.dtype_policy.quantization_mode
        if quantized is not None:
            raise ValueError(
                "a model to export must not have been quantized by Keras; the integer modes "
                f"quantize it. Got: layer {layer.name!r} in {quantized}"
            )
    if not any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers):
        raise ValueError(
            "a model to export must have a Conv2D, which the division by 255 is folded into. "
            f"Got: none in {model.name!r}"
        )


def export_model(model):
    """The same function in fewer operations, for a batch of one crop.

    Args:
        model: a Keras model of the package.

    Returns:
        A Keras model whose first convolution divides by 255 and whose last Dense gives pixels, or
        what the sigmoid of a face score takes. It computes in float32, whatever the model does.

    Raises:
        ValueError: the model has another as a layer, has no Conv2D, or Keras' own `quantize` has
            changed it.
    """
    import keras

    from keras_fld.models.layers import is_score, shape_layer

    check(model)
    shape = None if is_score(model) else shape_layer(model)

    def plain(layer):
        if layer.name == "rescale":
            return keras.layers.Identity(name="rescale", dtype="float32")
        if layer is shape:
            return keras.layers.Reshape(shape.mean_shape.shape, name=shape.name, dtype="float32")
        config = layer.get_config()
        if "dtype" in config:  # an operation that is no layer has none
            config["dtype"] = "float32"  # of mixed precision only the weights are kept
        return layer.__class__.from_config(config)

    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    clone = keras.models.clone_model(model, clone_function=plain, input_tensors=image)
    for layer in model.layers:
        if layer.weights:
            clone.get_layer(layer.name).set_weights(layer.get_weights())
    first = next(x for x in clone.layers if isinstance(x, keras.layers.Conv2D))
    first.set_weights([first.get_weights()[0] / 255, *first.get_weights()[1:]])
    if shape is not None:
        _fold_shape(clone, shape)
    return clone


def _fold_shape(clone, shape):
    """Mean shape and scale go into the last Dense and the windows."""
    from keras_fld.models.windows import WindowedOffsets

    dense = clone.get_layer("offsets")
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * shape.scale, bias * shape.scale + shape.mean_shape.ravel()])
    for layer in clone.layers:
        if isinstance(layer, WindowedOffsets):
            for name in layer.patches:
                window, kernel, bias = layer.get_patch(name)
                layer.set_patch(name, window, kernel * shape.scale, bias * shape.scale)
