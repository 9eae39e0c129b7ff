"""The web page that runs a model in the browser, and its server."""

from keras_fld.web.files import copy_page, page_files
from keras_fld.web.server import make_server

__all__ = ["copy_page", "make_server", "page_files"]
