import pytest

from vlaa_helpers.core.printable import one_line, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ünïcode 図", "plain – ünïcode 図"),
        ("\x1b[2J\nline2\r\tvlaa: fake", r"\x1b[2J\nline2\r\tvlaa: fake"),
        ("\x9b31m\x85\u2028\u202eback\ud800\0", r"\x9b31m\x85\u2028\u202eback\ud800\x00"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text, shown):
    assert one_line(text) == shown and one_line(shown) == shown


def test_a_long_text_keeps_its_beginning_and_end():
    assert one_line("a" * 50 + "\n" + "b" * 50, 10) == "aaaaa … bbbbb"
    assert one_line("a" * 10, 10) == "a" * 10


def test_lines_stay_lines():
    assert printable_lines("a\n\x1bb\r\n") == "a\n\\x1bb\\r\n"
