"""Signs of Unicode and of plain text as LaTeX: "3√2", "10⁻³", "2½", "−", "·", "sqrt(2)", "2*pi"."""

import re
import unicodedata

from .math_plain import closing_bracket, plain_functions

_SIGNS = {
    "−": "-", "–": "-", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "×": r"\times ", "÷": "/", "∕": "/", "⁄": "/",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\neq ", "≈": r"\approx ", "±": r"\pm ", "∞": r"\infty ", "°": r"^{\circ}",
    "℃": r"^{\circ}C",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∧": r"\land ", "∨": r"\lor ", "′": "'", "“": '"', "”": '"', "’": "'",
    "∅": r"\emptyset ", "∠": r"\angle ", "ℝ": r"\mathbb{R}", "…": r"\ldots ", "‘": "'",
    "√": r"\sqrt ", "∛": r"\sqrt[3] ", "∜": r"\sqrt[4] ",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
        "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        strict=True,
    )
)
_ONE_BY_ONE = str.maketrans(_SIGNS | {letter: rf"\{name} " for letter, name in _GREEK.items()})
_ENCLOSED = re.compile("[\u2474-\u24b5\U0001f100-\U0001f12b]")
"""Numbers and letters in brackets or with a dot, each one sign: behind a number they are of a list, and no factor."""
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ"
_LOWERED = "₀₁₂₃₄₅₆₇₈₉"
_PLAIN_OF = str.maketrans(_RAISED + _LOWERED, "0123456789+-nx0123456789")
_RUN = re.compile(f"[{_RAISED}]+|[{_LOWERED}]+")
_VULGAR = re.compile(r"(\d*) ?([¼-¾⅐-⅞↉])")
_SQRT_SIGN = re.compile(r"\\sqrt(\[\d\])? +(\d+(?:\.\d+)?|[a-z]|\\pi)")
_FUNCTION = re.compile(
    r"(?<![\\A-Za-z])(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi)(?![A-Za-z])"
)
_SCIENTIFIC = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})(?!\d|\.\d)")
_THOUSANDS = re.compile(r"(?:(?<=\\boxed\{)|(?<=\\fbox\{)|(?<=\\text\{)|(?<![\d,.(\[{]))(\d{1,3}(?:,\d{3})+)(?![\d,])")
_TO_POWER = re.compile(r"\^\s*([-+]?(?:\d+(?:\.\d+)?|[a-zA-Z]))(?![\w.])|\^\s*(\d{2,})")
_NUMBER_TIMES = re.compile(r"([\d)]|\\pi)\s*((?:\\left\s*)?\()")  # Math-Verify reads 2(3) as two and three: 5
_ARC = re.compile(r"(?<![\\A-Za-z])a(sin|cos|tan)(?=\s*\()")
_LOG_BASE = re.compile(r"(\\log\s*_)\s*(\d|[a-z])(?![\w])")
_THIN_SPACES = re.compile(r"(?<![\d.])(?<!\d )\d{1,3}(?:(?:\\,| )\d{3})+(?! ?\d)")
_PERIODIC = re.compile(r"(\d+)\.(\d*)\\(?:overline|bar)\s*(?:\{(\d+)\}|(\d))(?!\d)")
_PERIOD_IN_BRACKETS = re.compile(r"(?<![\d.])(\d+)\.\((\d+)\)(?!\d)")
_TWO_NUMBERS = re.compile(r"\d\s+\d|\d\\[,;!: ]\s*\d|\d\s*\\q?quad\s*\d|frac\s*\{[^{}]*\}\s*\{[^{}]*\}\s*\d")
_COEFFICIENT = re.compile(
    r"(?<![\w.)}^/])(?<!_\{)(?<!\^\{)(\d+)/(\d+)(?= ?(?:[A-Za-z]|\\(?:sqrt|pi|sin|cos|tan|ln|log)(?![A-Za-z])))"
)
_DEGREE_SIGN = re.compile(r"(?<=[\d)])\s?[º˚∘]")
_MIXED = re.compile(r"(?<![\d.}^_])(\d+) (\d+)/(\d+)(?!\d|\.\d)")


def latex_signs(text: str) -> str | None:
    """The text with every sign as LaTeX that Math-Verify reads; None when a sign is left that it would drop.

    A fraction of digits before a letter is its coefficient: `1/2x` is a half of x, and `1/(2x)` needs its brackets.

    >>> latex_signs("3√2"), latex_signs("2½"), latex_signs("10⁻³"), latex_signs("5 ☃") is None
    ('3\\\\sqrt{2}', '(2+\\\\frac{1}{2})', '10^{-3}', True)
    """
    if not text.isascii():
        if _ENCLOSED.search(text):
            return None
        text = _VULGAR.sub(_as_fraction, _DEGREE_SIGN.sub("°", text))
        text = _RUN.sub(lambda run: ("^{%s}" if run[0][0] in _RAISED else "_{%s}") % run[0].translate(_PLAIN_OF), text)
        text = unicodedata.normalize("NFKC", text.translate(_ONE_BY_ONE))
        if not text.isascii():
            return None
    text = _PERIOD_IN_BRACKETS.sub(r"\1.\\overline{\2}", text)
    text = _PERIODIC.sub(_as_ratio, text.replace(r",\!", ",").replace("{,}", ","))
    text = _THIN_SPACES.sub(lambda number: re.sub(r"\\,| ", "", number[0]), text)
    text = (
        _FUNCTION.sub(r"\\\1", _ARC.sub(r"arc\1", plain_functions(text)))
        .replace("**", "^")
        .replace("<=", r"\le ")
        .replace(">=", r"\ge ")
    )
    text = _bracket_arguments(text.replace("!=", r"\neq "))
    text = _SQRT_SIGN.sub(lambda root: rf"\sqrt{root[1] or ''}{{{root[2]}}}", text)
    text = _LOG_BASE.sub(r"\1{\2}", text)
    text = _SCIENTIFIC.sub(r"\1 \\cdot 10^{\2}", text)
    text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    text = _MIXED.sub(r"(\1+\\frac{\2}{\3})", text)
    text = _COEFFICIENT.sub(r"\\frac{\1}{\2}", text)
    text = _TO_POWER.sub(lambda power: f"^{{{power[1] or power[2]}}}", text)
    text = _NUMBER_TIMES.sub(r"\1 \\cdot \2", text)
    return None if _TWO_NUMBERS.search(text) else text


def _as_fraction(found: re.Match) -> str:
    top, bottom = unicodedata.normalize("NFKC", found[2]).split("⁄")
    fraction = rf"\frac{{{top}}}{{{bottom}}}"
    return f"({found[1]}+{fraction})" if found[1] else fraction


def _as_ratio(found: re.Match) -> str:
    """A periodic decimal, `0.1\\overline{6}`, as a fraction."""
    whole, first, period = found[1], found[2], found[3] or found[4]
    top = int(whole + first + period) - int(whole + first)
    return rf"\frac{{{top}}}{{{10 ** len(first) * (10 ** len(period) - 1)}}}"


def _bracket_arguments(text: str) -> str:
    r"""`\sqrt(…)` and `^(…)` with braces, however their brackets are nested."""
    for opening in (r"\sqrt(", r"\sqrt (", r"\sqrt[3] (", r"\sqrt[4] (", "^(", "^ ("):
        start = text.find(opening)
        while start >= 0:
            inside = start + len(opening)
            end = closing_bracket(text, inside)
            if end is None:
                break
            text = f"{text[: inside - 1].rstrip()}{{{text[inside:end]}}}{text[end + 1 :]}"
            start = text.find(opening, inside)
    return text
