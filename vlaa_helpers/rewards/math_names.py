"""What a sentence calls a value: "the value of x is 5" is x = 5, "the area of triangle ABC is 24" is 24."""

import re

_IS = r"\s+(?:is equal to|is|are|equals?)\s+(?=[-+\\$\d(\[{√.a-zπ]|negative |minus )"
_NAME = r"\$?\s*(?P<name>[a-zA-Z])\s*\$?"
_VALUE = re.compile(rf"(?:the )?(?:value|values) of {_NAME}{_IS}|{_NAME.replace('name', 'bare')}{_IS}", re.IGNORECASE)
_SHAPES = (
    "triangle rectangle square circle sector trapezoid trapezium parallelogram rhombus quadrilateral kite pentagon "
    "hexagon octagon polygon cube cone cylinder prism pyramid sphere region"
).split()
_OF_A_SHAPE = re.compile(
    rf"\b(of (?:the )?(?:shaded )?(?:{'|'.join(_SHAPES)}))\s+\$?(?:\\triangle\s*)?[A-Z]{{1,6}}\$?(?=\s+(?:is|equals|=))"
)
_LINE_OR_ANGLE = re.compile(
    rf"(?i:(?:the )?(?:(?:length|measure|size|value|degrees?) of )?(?:the )?)"
    rf"(?P<kind>(?:(?i:side|segment|line segment|chord|angle)|\$?\\angle)(?=\s)|\$?∠)"
    rf"\s*\$?\s*(?P<name>[A-Z]{{1,3}})\s*\$?{_IS}"
)
_SMALL_ANGLE = re.compile(
    rf"(?i:(?:the )?(?:(?:measure|size|value|degrees?) of )?(?:the )?)"
    rf"(?:(?i:angle)\s|\$?\\angle\s|∠)\s*\$?(?P<name>[a-z])\$?{_IS}"
)
_NUMBERED_ANGLE = re.compile(r"(?:\b[Aa]ngle|\\angle|∠)\s*\{?(\d)\}?(?![\w.]*\w)(?!\s*(?:°|º|\^|\\circ|deg))")
_LETTER_OF = "ABCDEFGHIJ"
_OF_A_LINE = re.compile(
    r"(?i:(?:the )?(?:length|measure) of (?:the )?)?(?:arc )?\$?\s*"
    rf"(?P<line>\\overline\s*\{{[A-Z]{{2}}\}}|\|[A-Z]{{2}}\||[A-Z]{{2}})\s*\$?(?:\s*=\s*|{_IS})"
)
_BETWEEN = re.compile(
    rf"(?i:(?:the )?distance )(?:between|from) (?:points )?\$?(?P<a>[A-Z])\$? (?:and|to) \$?(?P<b>[A-Z])\$?{_IS}"
)
_NEGATIVE = re.compile(r"(^|[=(,]\s*|\b(?:is|equals|are)\s+)(?:negative|minus)\s+(?=\d|\\[dt]?frac)", re.IGNORECASE)


def values_by_name(text: str) -> str:
    r"""A text in which what a sentence calls its value is a name and an equals sign, or the value alone.

    >>> values_by_name("The value of $x$ is $5$"), values_by_name("angle ABC is 60"), values_by_name("negative 7")
    ('x = $5$', '\\angle ABC = 60', '-7')
    """
    if found := _VALUE.match(text):
        text = f"{found['name'] or found['bare']} = {text[found.end() :]}"
    elif found := _LINE_OR_ANGLE.match(text):
        is_angle = "angle" in found["kind"].casefold() or "∠" in found["kind"]
        name = rf"\angle {found['name']}" if is_angle else found["name"]
        text = f"{name} = {text[found.end() :]}"
    elif found := _SMALL_ANGLE.match(text):
        text = f"{found['name']} = {text[found.end() :]}"
    elif found := _OF_A_LINE.match(text):
        text = f"{found['line'].strip('|')} = {text[found.end() :]}"
    elif found := _BETWEEN.match(text):
        text = f"{found['a']}{found['b']} = {text[found.end() :]}"
    return _NEGATIVE.sub(r"\1-", _OF_A_SHAPE.sub(r"\1", text))


def with_named_angles(text: str) -> str:
    """A text in which angles that have a number have a name of letters, which is no number to Math-Verify.

    >>> with_named_angles("∠2 = ∠1 = 50°"), with_named_angles("angle 5°")
    ('∠ZZC = ∠ZZB = 50°', 'angle 5°')
    """
    return _NUMBERED_ANGLE.sub(lambda angle: f"∠ZZ{_LETTER_OF[int(angle[1])]}", text)
