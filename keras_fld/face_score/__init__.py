"""The face score: whether a crop shows a face that fills it.

A landmark model answers whatever it is shown, so a network of its own judges the crop that the
landmarks lead to: `models.FaceScore`, trained here. `predict.lite_model.ScoreModel` runs it.
"""
