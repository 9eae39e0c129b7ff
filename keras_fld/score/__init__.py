"""The face score: whether a crop shows a face that fills it.

A landmark model answers whatever it is shown, so a network of its own judges the crop that the
landmarks lead to: `keras_fld.models.FaceScore`, trained here. `keras_fld.lite.runtime.ScoreModel`
runs it.
"""
