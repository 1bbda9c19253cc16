"""The claims of two papers, each as a difference between arms of the studies and the range that it allows."""

from dataclasses import dataclass

SFT_OR_RL, REASSESSING = "2504.11468", "2512.12690"
STRONG, MIDDLE, WEAK = "mini", "mini_middle", "mini_weak"
MARGIN = 0.02
"""How far below still "matches", and how far from nothing still "almost none": two points of accuracy. Ours."""


@dataclass(frozen=True)
class Term:
    """An arm of a difference.

    Attributes:
        sign: of its mean, +1 or -1.
        study, arm: a plan in `plans/` and an arm of it.
        profile: of the arm.
    """

    sign: int
    study: str
    arm: str
    profile: str = STRONG


@dataclass(frozen=True)
class Claim:
    """What a paper says, and what has to be measured to hold it against.

    Attributes:
        claim: in our words, short.
        paper: its arXiv number.
        printed: the paper's own number, with its unit; "" where none was found.
        terms: whose means are added up, each with its sign.
        at_least, at_most: range of the sum that the claim allows; None is no bound.
        value: column of the responses: "correct", "has_answer", "words", "cues" or "claims_true".
        held, decoding: how the arms were asked.
        source: one source of questions, or "all".
    """

    claim: str
    paper: str
    printed: str
    terms: tuple[Term, ...]
    at_least: float | None = None
    at_most: float | None = None
    value: str = "correct"
    held: str = "test"
    decoding: str = "greedy"
    source: str = "all"


def _less(study: str, after: str, before: str, profile: str = STRONG) -> tuple[Term, ...]:
    return Term(+1, study, after, profile), Term(-1, study, before, profile)


def _main(after: str, before: str = "base") -> tuple[Term, ...]:
    return _less("sft_or_rl", after, before)


def _gap(profile: str, sign: int = 1) -> tuple[Term, ...]:
    """By how much SFT beats GRPO on a size of model."""
    return Term(sign, "capacity", "SFT 2048", profile), Term(-sign, "capacity", "GRPO 64", profile)


CLAIMS = (
    Claim("SFT lowers accuracy", SFT_OR_RL, "31.8 → 21.6 (25K)", _main("SFT 2048"), at_most=0),
    Claim("more SFT lowers it further", SFT_OR_RL, "21.6 → 12.7 (126K)", _main("SFT 8192", "SFT 2048"), at_most=0),
    Claim("SFT on traces with cues lowers it", SFT_OR_RL, "31.8 → 21.3 (55K)", _main("SFT cues"), at_most=0),
    Claim("GRPO raises accuracy", SFT_OR_RL, "31.8 → 34.5", _main("GRPO"), at_least=0),
    Claim(
        "SFT first, then GRPO, ends below GRPO",
        SFT_OR_RL,
        "34.5 → 21.0 (5K)",
        _main("SFT 2048, GRPO", "GRPO"),
        at_most=0,
    ),
    Claim(
        "after more SFT, GRPO ends where it did after less",
        SFT_OR_RL,
        "21.0 (5K), 21.8 (10K)",
        _main("SFT 8192, GRPO", "SFT 2048, GRPO"),
        at_least=-MARGIN,
        at_most=MARGIN,
    ),
    Claim("after cues, GRPO ends below GRPO", SFT_OR_RL, "", _main("SFT cues, GRPO", "GRPO"), at_most=0),
    Claim(
        "GRPO's responses are shorter than SFT, GRPO's",
        SFT_OR_RL,
        "shortest (figure 6)",
        _main("GRPO", "SFT 2048, GRPO"),
        at_most=0,
        value="words",
    ),
    Claim(
        "GRPO writes cues without SFT",
        SFT_OR_RL,
        "722 phrases (figure 7)",
        _main("GRPO"),
        at_least=0,
        value="cues",
        decoding="sampled",
    ),
    Claim(
        "after SFT, what a trace says is true less often",
        SFT_OR_RL,
        "",
        _main("SFT 2048"),
        at_most=0,
        value="claims_true",
        decoding="sampled",
    ),
    Claim(
        "the open-ended reward adds to the rules", SFT_OR_RL, "29.1 → 31.5", _main("GRPO", "GRPO, rules"), at_least=0
    ),
    Claim(
        "without the choice verifier, less is gained",
        SFT_OR_RL,
        "29.1 → 24.6",
        _main("GRPO, no choice", "GRPO, rules"),
        at_most=0,
    ),
    Claim(
        "without the box verifier, as much is gained",
        SFT_OR_RL,
        "29.1 → 29.4",
        _main("GRPO, no box", "GRPO, rules"),
        at_least=-MARGIN,
    ),
    Claim("SFT on 2K matches RL: strong", REASSESSING, "2K against 20K", _gap(STRONG), at_least=-MARGIN),
    Claim("SFT on 2K matches RL: middle", REASSESSING, "2K against 20K", _gap(MIDDLE), at_least=-MARGIN),
    Claim("SFT on 2K matches RL: weak", REASSESSING, "2K against 20K", _gap(WEAK), at_least=-MARGIN),
    Claim(
        "the weaker the model, the more SFT is ahead of RL",
        REASSESSING,
        "weak: SFT +2; strong: RL",
        (*_gap(WEAK), *_gap(STRONG, -1)),
        at_least=0,
    ),
    Claim("twice as much RL gains more", REASSESSING, "10K → 20K", _less("capacity", "GRPO 64", "GRPO 32"), at_least=0),
    Claim(
        "four times as many traces hardly gain",
        REASSESSING,
        "level at 2K",
        _less("capacity", "SFT 2048", "SFT 512"),
        at_most=MARGIN,
    ),
    Claim("SFT transfers better to text than RL", REASSESSING, "SFT ahead", _gap(STRONG), at_least=0, held="text"),
    Claim(
        "own traces do no harm on shifted pictures",
        REASSESSING,
        "almost none",
        _less("capacity", "SFT 2048, own", "base"),
        at_least=-MARGIN,
        held="shifted",
    ),
    Claim(
        "others' traces do",
        REASSESSING,
        "clear harm",
        _less("capacity", "SFT 2048, shared", "base"),
        at_most=0,
        held="shifted",
    ),
    Claim(
        "own traces beat others' on shifted pictures",
        REASSESSING,
        "",
        _less("capacity", "SFT 2048, own", "SFT 2048, shared"),
        at_least=0,
        held="shifted",
    ),
    Claim(
        "a reward for manner lowers accuracy",
        REASSESSING,
        "reward up, accuracy down",
        _less("rewards", "likes cues", "clean"),
        at_most=0,
    ),
    Claim(
        "SFT first protects from it",
        REASSESSING,
        "cold start helps",
        _less("rewards", "SFT 512, likes cues", "likes cues"),
        at_least=0,
    ),
)
"""In the order of the papers. Paper numbers are means over six benchmarks, Qwen2.5-VL-3B, in per cent."""
