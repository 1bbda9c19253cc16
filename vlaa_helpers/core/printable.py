"""Text from outside (a server, a file, a name) as a terminal may show it: it cannot move the cursor or fake a line."""


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line: line breaks and other characters that cannot be printed are escaped.

    Args:
        limit: characters of the text; of a longer one beginning and end are kept.

    >>> one_line("line 1\\nline 2" + chr(27) + "[2J")
    'line 1\\\\nline 2\\\\x1b[2J'
    """
    if limit is not None and len(text) > limit:
        text = f"{text[: limit // 2]} … {text[-limit // 2 :]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """The text with its line breaks, each of its lines as `one_line` shows it.

    >>> printable_lines("a table\\nof " + chr(27) + "[2J")
    'a table\\nof \\\\x1b[2J'
    """
    return "\n".join(map(one_line, text.split("\n")))
