"""Multiple choice: four options in random order, and picking one of them."""

from random import Random

from .base import Ask


def with_options(rng: Random, text: str, right: str, wrong: list[str], task: dict) -> Ask:
    """A multiple-choice question: four distinct options in random order, the letter of the right one as ground
    truth."""
    others = list(dict.fromkeys(option for option in wrong if option != right))[:3]
    options = others + [right]
    rng.shuffle(options)
    listed = ", ".join(f"{option} ({letter})" for letter, option in zip("ABCD", options, strict=True))
    task = {**task, "options": options, "value": right}
    return Ask(f"{text} Choose one option: {listed}.", "ABCD"[options.index(right)], task)


def numbers_near(rng: Random, right: int, likely: list[int], *, step: int, low: int, high: int) -> list[str]:
    """Three wrong numbers for options: as many below the right one as chance has it, so that its rank among the options
    tells nothing; likely mistakes first, then neighbours."""
    near = [right + step * k for k in range(1, 5)] + [right - step * k for k in range(1, 5)]
    rng.shuffle(near)
    wrong = [n for n in dict.fromkeys([*likely, *near]) if n != right and low <= n <= high]
    below, above = [n for n in wrong if n < right], [n for n in wrong if n > right]
    count = min(len(below), max(3 - len(above), rng.randrange(4)))
    return [str(n) for n in below[:count] + above[: 3 - count]]


def pick_option(value: str, task: dict) -> tuple[str, str]:
    """(the value as the steps end, the option's text); when no option has it (a wrong look), the nearest one."""
    options = task["options"]
    if value in options:
        return f"{value}.", value
    numbers = [option for option in options if option.isdigit()]
    nearest = (
        min(numbers, key=lambda option: abs(int(option) - int(value))) if numbers and value.isdigit() else options[0]
    )
    return f"{value}, near {nearest}.", nearest
