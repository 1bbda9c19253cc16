"""What the helpers say is seen in a notebook and at the command line, once, and can be silenced."""

import logging
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from vlaa_helpers.core.messages import AboveProgressBars, in_notebook, say_once, show_messages


@contextmanager
def fresh_program():
    """The package's logger as it is in a fresh program: no level, and no handlers, there or at the root."""
    logger, root = logging.getLogger("vlaa_helpers"), logging.getLogger()
    kept, level = (logger.handlers, root.handlers), logger.level
    logger.handlers, root.handlers = [], []
    logger.setLevel(logging.NOTSET)
    try:
        yield logger
    finally:
        logger.handlers, root.handlers = kept
        logger.setLevel(level)


def test_lines_are_shown_once_from_info_on(capsys):
    with fresh_program() as logger:
        show_messages()
        show_messages()
        logger.info("seen")
        logger.debug("not seen")
    assert capsys.readouterr().out == "seen\n"


def test_a_level_of_one_s_own_is_kept(capsys):
    with fresh_program() as logger:
        logger.setLevel(logging.ERROR)
        show_messages()
        logger.warning("not seen")
        assert capsys.readouterr().out == "" and logger.level == logging.ERROR


def test_whoever_sets_up_logging_gets_each_line_once(capsys):
    with fresh_program() as logger:
        show_messages()
        logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
        logger.info("seen")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "seen\n")


def test_a_progress_bar_stays_whole(capsys):
    from tqdm import tqdm

    with fresh_program() as logger, tqdm(total=2, file=sys.stdout, ascii=True) as bar:
        show_messages()
        bar.update()
        logger.info("seen")
    lines = capsys.readouterr().out.split("\r")
    assert any(line.startswith("seen\n") for line in lines)


def test_a_kernel_is_told_from_a_terminal(monkeypatch):
    for shell, expected in ((SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() is expected
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()


@pytest.mark.parametrize("kernel", [True, False])
def test_an_import_sets_up_a_kernel_and_nothing_else(root, kernel):
    shell = "types.SimpleNamespace(kernel=1)" if kernel else "None"
    code = (
        "import logging, sys, types\n"
        f"sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: {shell})\n"
        "import vlaa_helpers\n"
        "logging.getLogger('vlaa_helpers.training.grpo').info('seen')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == ("seen\n" if kernel else "") and run.stderr == ""


def test_the_handler_needs_no_tqdm(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    with fresh_program():
        AboveProgressBars().emit(logging.makeLogRecord({"msg": "seen"}))
    assert capsys.readouterr().out == "seen\n"


def test_a_warning_is_given_once(caplog):
    say_once.cache_clear()
    for words in ("slow", "slow", "slower", "slow"):
        say_once(logging.getLogger("vlaa_helpers.some"), words)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "slow"), ("WARNING", "slower")
    ]  # fmt: skip
