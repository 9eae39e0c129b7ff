"""The command `keras-fld completion`."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_KERAS_FLD_COMPLETE"


@click.command(short_help="Prints a script for completion in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell):
    """Prints a script that lets SHELL complete commands, options, and names such as presets.

    For bash 4.4 or newer, add the first line to ~/.bashrc. For zsh, add the second line to
    ~/.zshrc, after compinit. For fish, run the third line.

    \b
    eval "$(keras-fld completion bash)"
    eval "$(keras-fld completion zsh)"
    keras-fld completion fish > ~/.config/fish/completions/keras-fld.fish
    """
    root = click.get_current_context().find_root().command
    script = get_completion_class(shell)(root, {}, "keras-fld", _VARIABLE)
    # `source()` would run bash to get its version.
    click.echo(script.source_template % script.source_vars())
