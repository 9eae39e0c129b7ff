"""The command `keras-fld web`."""

import click

from keras_fld.cli import complete
from keras_fld.cli.out import output


@click.command()
@click.option(
    "--model",
    help=".tflite file or preset.  [default: trnet20_300w]",
    shell_complete=complete.MODELS,
)
@click.option(
    "--port",
    default=8068,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.option(
    "--copy",
    "folder",
    type=click.Path(),
    callback=output(),
    help="Write the page to this folder instead of serving it.",
)
def web(model, port, host, no_open, folder):
    """Runs a model in the browser, on photographs and the camera.

    Photographs and camera frames never leave the browser. By default, only this machine can open
    the page. --copy writes static files for an HTTPS server.

    \b
    keras-fld web --model face.tflite
    """
    import webbrowser

    from keras_fld import web as page
    from keras_fld.web.files import DEFAULT_PRESET
    from keras_fld.web.server import page_address, place, reached_by_others

    model = model or DEFAULT_PRESET
    if folder:
        page.copy_page(folder, model)
        click.echo(f"wrote {folder}/index.html")
        return
    with page.make_server(model, host, port) as server:
        address = page_address(server, host)
        click.echo(f"{address} (Ctrl-C stops)")
        if reached_by_others(server):
            click.echo(
                f"note: anyone who can reach {place(host, server.server_port)} can open the page; "
                "browsers allow the camera only over HTTPS and on localhost",
                err=True,
            )
        if not no_open:
            webbrowser.open(address)
        server.serve_forever()
