"""The exercises of chapter 07 about what a run costs: a KV cache, steps kept over hosted sessions, what a sum buys."""

from collections.abc import Mapping, Sequence

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake

# ---- a KV cache ----

Sizes = Mapping[str, int]


def _cache_bytes(model: Sizes, step: Sizes) -> int:
    return _held(step) * 2 * model["kv_heads"] * model["width"] * model["layers"] * 2


def _held(step: Sizes) -> int:
    """Tokens that keep keys and values: each prompt once, and every completion."""
    return step["prompts"] * (step["prompt"] + step["generations"] * step["completion"])


def _copied_prompts(model: Sizes, step: Sizes) -> float:
    rows = step["prompts"] * step["generations"]
    return _cache_bytes(model, step) * rows * (step["prompt"] + step["completion"]) / _held(step)


def _one_completion(model: Sizes, step: Sizes) -> int:
    return _cache_bytes(model, {**step, "generations": 1})


def _one_prompt(model: Sizes, step: Sizes) -> int:
    return _cache_bytes(model, {**step, "prompts": 1})


def _completions_alone(model: Sizes, step: Sizes) -> int:
    return _cache_bytes(model, {**step, "prompt": 0})


QWEN = {"layers": 36, "heads": 16, "kv_heads": 2, "width": 128}
T4_STEP = {"prompts": 8, "generations": 4, "prompt": 494, "completion": 512}
OLDER = {"layers": 32, "heads": 32, "kv_heads": 32, "width": 128}

KV_CACHE = Exercise(
    name="07.kv_cache",
    minutes=10,
    difficulty="easy",
    right="the first case is the 715 MiB of the estimate. With keys and values for all 16 heads it would be 5.6 GiB.",
    check=ByCases(
        _cache_bytes,
        (
            Case((QWEN, T4_STEP), "every token kept has a key and a value in each layer, of kv_heads · width numbers."),
            Case(
                (QWEN, {"prompts": 1, "generations": 8, "prompt": 2000, "completion": 100}),
                "a group's prompt is read once and kept once.",
            ),
            Case((OLDER, T4_STEP), "a model may have as many heads for keys as for queries."),
        ),
    ),
    mistakes=(
        Mistake(
            "heads",
            "it takes the heads of the queries; keys and values have kv_heads, and several queries share one.",
            (lambda model, step: _cache_bytes({**model, "kv_heads": model["heads"]}, step),),
        ),
        Mistake(
            "half",
            "it is half of it: a token has a key and a value, and each number takes two bytes.",
            (lambda model, step: _cache_bytes(model, step) / 2,),
        ),
        Mistake(
            "quarter",
            "it is a quarter of it: a token has a key and a value, and each number takes two bytes.",
            (lambda model, step: _cache_bytes(model, step) / 4,),
        ),
        Mistake(
            "float32",
            "it takes four bytes a number; sixteen bits are two.",
            (lambda model, step: _cache_bytes(model, step) * 2,),
        ),
        Mistake(
            "copied_prompts",
            "each completion has a copy of its prompt here; a group shares one.",
            (_copied_prompts,),
        ),
        Mistake("one_completion", "it keeps one completion a prompt; a group has several.", (_one_completion,)),
        Mistake("one_prompt", "it is the cache of one group; a step samples all prompts at once.", (_one_prompt,)),
        Mistake(
            "completions_alone",
            "the prompts are forgotten: completions attend to them, so their keys and values stay too.",
            (_completions_alone,),
        ),
        Mistake(
            "one_layer",
            "it is the cache of one layer; each layer has its own.",
            (lambda model, step: _cache_bytes(model, step) / model["layers"],),
        ),
        Mistake(
            "unit",
            "give bytes: it is in MiB or GiB.",
            (
                lambda model, step: _cache_bytes(model, step) / 2**20,
                lambda model, step: _cache_bytes(model, step) / 2**30,
            ),
        ),
    ),
)

# ---- hosted sessions ----


def _kept_steps(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    kept = 0
    for free in minutes:
        reached = kept + int(free // a_step)
        kept = goal if reached >= goal else kept + (reached - kept) // every * every
    return kept


def _between_checkpoints(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return min(goal, sum(int(free // a_step) for free in minutes))


def _minutes_add_up(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return _kept_steps([sum(minutes)], a_step, every, goal)


def _to_the_nearest(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return min(goal, sum(round(free / a_step / every) * every for free in minutes))


def _begins_afresh(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return max(_kept_steps([free], a_step, every, goal) for free in minutes)


def _last_session(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return _kept_steps(minutes[-1:], a_step, every, goal)


def _beyond(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return sum(int(free // a_step) // every * every for free in minutes)


def _checkpoints(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return _beyond(minutes, a_step, every, goal) // every


def _end_not_saved(minutes: Sequence[float], a_step: float, every: int, goal: int) -> int:
    return min(goal, _beyond(minutes, a_step, every, goal)) // every * every


KEPT_STEPS = Exercise(
    name="07.kept_steps",
    minutes=10,
    difficulty="medium",
    right="a session that ends between two checkpoints loses what it did since the last one.",
    check=ByCases(
        _kept_steps,
        (
            Case(([12.0], 1.75, 5, 40), "6 whole steps are done, and the last checkpoint is of step 5."),
            Case(
                ([12.0, 32.0], 1.75, 5, 40), "the second session goes on from step 5: 18 steps more, 15 of them kept."
            ),
            Case(([12.0, 7.0, 32.0], 1.75, 5, 40), "a session that comes to no checkpoint adds nothing."),
            Case(([32.0, 32.0, 32.0], 1.75, 5, 40), "a run of 40 steps ends there."),
            Case(([19.0, 8.0], 1.75, 5, 12), "a run saves at its end too: step 12 is reached, so it is kept."),
        ),
    ),
    mistakes=(
        Mistake(
            "between_checkpoints",
            "it counts steps that no checkpoint holds: with the machine they are gone.",
            (
                _between_checkpoints,
                lambda m, a, e, g: min(g, sum(free / a for free in m)),
                lambda m, a, e, g: sum(int(free // a) for free in m),
                lambda m, a, e, g: sum(free / a for free in m),
            ),
        ),
        Mistake(
            "minutes_add_up",
            "it adds the minutes up first; what a session did after its last checkpoint helps no other.",
            (_minutes_add_up, lambda m, a, e, g: int(sum(m) // a) // e * e),
        ),
        Mistake(
            "nearest", "it rounds to the nearest checkpoint; only one that was reached counts.", (_to_the_nearest,)
        ),
        Mistake(
            "afresh",
            "each session begins at step 0 here; with RESUME it goes on from what is kept.",
            (_begins_afresh, _last_session),
        ),
        Mistake("beyond", "it goes on beyond the goal; the run ends there.", (_beyond,)),
        Mistake("checkpoints", "it counts checkpoints; each has `every` steps.", (_checkpoints,)),
        Mistake(
            "end",
            "a run saves at its end too, wherever that lies between two checkpoints.",
            (_end_not_saved, lambda m, a, e, g: min(g, _beyond(m, a, e, g))),
        ),
    ),
)

# ---- what a sum buys ----


def _seconds(card: Mapping[str, float], operations: float, waits: float) -> float:
    """Of one prompt, all cards of the machine together."""
    return (operations / (card["peak"] * card["used"]) + waits * card["token"]) / card["gpus"]


def _affordable(dollars: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return dollars / (card["price"] / 3600 * _seconds(card, operations, longest / at_a_time))


def _nothing_written(dollars: float, card: Mapping[str, float], operations: float, *_: int) -> float:
    return _affordable(dollars, card, operations, 1, 0)


def _each_waits(d: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return _affordable(d, card, operations, 1, longest)


def _one_card(d: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return _affordable(d, {**card, "gpus": 1}, operations, at_a_time, longest)


def _full_rate(d: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return _affordable(d, {**card, "used": 1}, operations, at_a_time, longest)


def _a_second(d: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return _affordable(d, card, operations, at_a_time, longest) / 3600


def _batches(d: float, card: Mapping[str, float], operations: float, at_a_time: int, longest: int) -> float:
    return _affordable(d, card, operations, at_a_time, longest) / at_a_time


T4 = {"peak": 65e12, "used": 0.25, "token": 0.12, "gpus": 1, "price": 0.35}
EIGHT = {"peak": 989e12, "used": 0.35, "token": 0.04, "gpus": 8, "price": 24.0}

AFFORDABLE = Exercise(
    name="07.affordable",
    minutes=10,
    difficulty="medium",
    right="try it on `cards`: with those guesses a dear card buys somewhat fewer prompts, and much sooner.",
    check=ByCases(
        _affordable,
        (
            Case((10, T4, 1.2e14, 8, 512), "a prompt costs its products and an eighth of the batch's waiting."),
            Case(
                (10, EIGHT, 1.2e14, 8, 512), "the price is that of the whole machine, and its 8 cards share the work."
            ),
            Case((1, T4, 1.2e14, 16, 128), "shorter completions and larger batches buy more."),
        ),
    ),
    mistakes=(
        Mistake(
            "nothing_written",
            "it counts the products and forgets the writing, token after token.",
            (_nothing_written,),
        ),
        Mistake(
            "each_waits",
            "each prompt waits for its own tokens here; those of a batch are written together.",
            (_each_waits,),
        ),
        Mistake("one_card", "the machine has several cards that share the work.", (_one_card,)),
        Mistake("full_rate", "no training reaches the published rate; take the share that is used.", (_full_rate,)),
        Mistake("hours", "the price is of an hour, and the time is in seconds.", (_a_second,)),
        Mistake("batches", "it is the number of batches; asked is how many prompts.", (_batches,)),
    ),
)
