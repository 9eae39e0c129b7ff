"""The command `keras-fld completion`."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_KERAS_FLD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell):
    """Prints what makes a SHELL complete commands, options, and names of presets and the like.

    bash, version 4.4 or newer: in ~/.bashrc; zsh: in ~/.zshrc, after compinit; fish: as a file.

    \b
    eval "$(keras-fld completion bash)"
    eval "$(keras-fld completion zsh)"
    keras-fld completion fish > ~/.config/fish/completions/keras-fld.fish
    """
    root = click.get_current_context().find_root().command
    script = get_completion_class(shell)(root, {}, "keras-fld", _VARIABLE)
    # Not `source()`, which runs bash to ask for its version.
    click.echo(script.source_template % script.source_vars())
