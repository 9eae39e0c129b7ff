"""The error of a training run that diverged."""


class TrainingDiverged(ValueError):
    """The loss is no longer finite. The message names the run folder and the loss."""
