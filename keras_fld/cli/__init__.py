"""The command line, `keras-fld`."""

import contextlib
import io
import sys

import click

from keras_fld._internal.extras import explained
from keras_fld._internal.files import reason
from keras_fld._internal.version import __version__
from keras_fld.cli.baselines import baseline
from keras_fld.cli.completion import completion
from keras_fld.cli.compress import compress, qat
from keras_fld.cli.datasets import datasets
from keras_fld.cli.demo import demo
from keras_fld.cli.evaluate import compare, evaluate
from keras_fld.cli.export import export
from keras_fld.cli.label import label
from keras_fld.cli.lite import benchmark, convert, parity
from keras_fld.cli.options import INTERRUPTED
from keras_fld.cli.predict import predict
from keras_fld.cli.prepare import prepare
from keras_fld.cli.presets import presets
from keras_fld.cli.refine import refine
from keras_fld.cli.report import report
from keras_fld.cli.reproduce import reproduce
from keras_fld.cli.score import score
from keras_fld.cli.train import train
from keras_fld.cli.web import web

# Exit code that shells report for a program ended by SIGPIPE.
CLOSED_PIPE = 141
_EPILOG = """\b
Exit codes:
  0    success
  1    an error in the program, with a traceback
  2    bad input or arguments, with a one-line message; finished files are kept
  130  interrupted by Ctrl-C
  141  the reader of the output closed the pipe
"""


@click.group(context_settings={"max_content_width": 100}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="keras-fld")
def cli():
    """Facial landmarks: detect, train, evaluate and convert.

    \b
    keras-fld predict photo.jpg --out result
    """


for command in (
    baseline,
    benchmark,
    compare,
    completion,
    compress,
    convert,
    datasets,
    demo,
    evaluate,
    export,
    label,
    parity,
    predict,
    prepare,
    presets,
    qat,
    refine,
    report,
    reproduce,
    score,
    train,
    web,
):
    cli.add_command(command)


def main(arguments=None):
    """Entry point. Each expected error is one line on standard error and an exit code.

    Args:
        arguments: the command's words, or None for those of the command line.
    """
    _never_fail_on_characters()
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(_run(arguments))
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except OSError as error:  # such as a missing permission or a full disk
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {where}{reason(error)}", err=True)
            sys.exit(2)
        except (ValueError, ImportError) as error:
            error = explained(error) if isinstance(error, ImportError) else error
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            sys.exit(2)


def _run(arguments):
    """Runs the command and returns its exit code."""
    stdout = sys.stdout
    try:
        return cli(arguments, standalone_mode=False) or 0
    except SystemExit:
        if sys.stdout is not stdout:  # click replaces it when the pipe is closed
            return CLOSED_PIPE
        raise


def _never_fail_on_characters():
    """Makes standard output replace characters that its encoding lacks.

    Otherwise, finished work could end in an error because a file name cannot be printed.
    """
    # Standard error already escapes such characters.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
