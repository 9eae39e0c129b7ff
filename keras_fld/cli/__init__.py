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
from keras_fld.cli.label import label
from keras_fld.cli.lite import benchmark, convert, export, parity
from keras_fld.cli.options import INTERRUPTED
from keras_fld.cli.predict import predict
from keras_fld.cli.prepare import prepare
from keras_fld.cli.presets import presets
from keras_fld.cli.report import report
from keras_fld.cli.reproduce import reproduce
from keras_fld.cli.score import score
from keras_fld.cli.train import refine, train
from keras_fld.cli.web import web

# As a shell says of a program that SIGPIPE ended.
CLOSED_PIPE = 141
_EPILOG = """\b
Exit codes:
  0    done
  1    a fault of the program itself, with a traceback
  2    bad input or arguments, with a line that says what; finished files are kept
  130  interrupted by Ctrl-C
  141  whoever read the output closed it
"""


@click.group(context_settings={"max_content_width": 100}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="keras-fld")
def cli():
    """Facial landmarks: train, evaluate, convert and draw.

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
    """Entry point: every expected failure is one line on standard error and an exit code.

    Args:
        arguments: words of the command; None takes those of the command line.
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
        except OSError as error:  # a folder without rights, a full disk
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {where}{reason(error)}", err=True)
            sys.exit(2)
        except (ValueError, ImportError) as error:
            error = explained(error) if isinstance(error, ImportError) else error
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            sys.exit(2)


def _run(arguments):
    """The exit code of the command."""
    stdout = sys.stdout
    try:
        return cli(arguments, standalone_mode=False) or 0
    except SystemExit:
        if sys.stdout is not stdout:  # click puts another in its place once the pipe is closed
            return CLOSED_PIPE
        raise


def _never_fail_on_characters():
    """Has characters replaced that the encoding of standard output lacks.

    Work that is done must not end in an error because a file's name cannot be printed.
    """
    # Standard error escapes them by itself.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
