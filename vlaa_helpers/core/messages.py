"""Where the lines of `logging.getLogger("vlaa_helpers")` are shown: in a notebook and at the command line, at once."""

import functools
import logging
import sys


class AboveProgressBars(logging.Handler):
    """Writes a line to stdout without breaking a progress bar.

    It is silent where the root logger has handlers: whoever has set up logging gets each line once, from there.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            tqdm = sys.modules.get("tqdm")  # without it there is no bar to break
            (tqdm.tqdm.write if tqdm else print)(self.format(record))


def show_messages() -> None:
    """Show what the helpers say, from INFO on.

    `import vlaa_helpers` does this in a Jupyter kernel, and the command line does it. In any other program nothing is
    set up: Python itself then shows warnings only. A level that was set before is left as it is, so either way
    `logging.getLogger("vlaa_helpers").setLevel(logging.ERROR)` silences the helpers.
    """
    logger = logging.getLogger("vlaa_helpers")
    if not any(isinstance(handler, AboveProgressBars) for handler in logger.handlers):
        logger.addHandler(AboveProgressBars())
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


@functools.cache
def say_once(logger: logging.Logger, message: str) -> None:
    """Warn of something that slows a run down or changes it, once a process however often it is met."""
    logger.warning(message)


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel (Colab's and VS Code's too)."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython and ipython.get_ipython(), "kernel")
