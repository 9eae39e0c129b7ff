"""The error of a training run that diverged."""


class TrainingDiverged(ValueError):
    """The loss is no longer a finite number; the message names the run folder and the loss."""
