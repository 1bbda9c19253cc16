"""The claims of two papers, each as a difference between arms of the studies and the range that it allows."""

from dataclasses import dataclass, replace

from ...reference import ASKED_ABOUT
from ...study.traces import SHARED, TRACED

SFT_OR_RL, REASSESSING = "2504.11468", "2512.12690"
STRONG, MIDDLE, WEAK = "mini", "mini_middle", "mini_weak"
MARGIN = 0.02
"""How far below still "matches", and how far from nothing still "almost none": two points of accuracy. Ours."""
CLOSED = tuple(source for source in ASKED_ABOUT if source != "stories")
"""What rules score: the other source has open answers."""
UNTRACED = tuple(source for source in ASKED_ABOUT if source not in SHARED)
"""What shared traces leave out."""


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
        sources: that are asked about: those that each of the arms was trained on. What SFT never saw it forgets, which
            is a claim of its own; pooled with the others, one such source decides the sign.
        value: column of the responses: "correct", "words", "claims_true" (NaN without claims) or "false_claim".
        held, decoding: how the arms were asked.
    """

    claim: str
    paper: str
    printed: str
    terms: tuple[Term, ...]
    at_least: float | None = None
    at_most: float | None = None
    sources: tuple[str, ...] = TRACED
    value: str = "correct"
    held: str = "test"
    decoding: str = "greedy"


def _less(study: str, after: str, before: str, profile: str = STRONG) -> tuple[Term, ...]:
    return Term(+1, study, after, profile), Term(-1, study, before, profile)


def _main(after: str, before: str = "base") -> tuple[Term, ...]:
    return _less("sft_or_rl", after, before)


def _against_rl(traces: int, profile: str, sign: int = 1) -> tuple[Term, ...]:
    """By how much SFT on so many traces beats GRPO on 512 prompts."""
    if (traces, profile) == (2048, STRONG):  # trained alike in both studies; this one is done first
        return Term(sign, "sft_or_rl", "SFT 2048"), Term(-sign, "sft_or_rl", "GRPO")
    return Term(sign, "capacity", f"SFT {traces}", profile), Term(-sign, "capacity", "GRPO 64", profile)


def _both(claim: Claim) -> tuple[Claim, Claim]:
    """A claim on greedy accuracy, and the same on sampled accuracy."""
    return claim, replace(claim, claim=f"{claim.claim}, sampled", decoding="sampled")


def _each_way(claim: Claim) -> tuple[Claim, Claim, Claim]:
    """A claim on greedy and on sampled accuracy, and on greedy accuracy without pictures."""
    return *_both(claim), replace(claim, claim=f"{claim.claim}, in text", held="text")


OF_THE_FIRST = (
    *_both(Claim("SFT lowers accuracy", SFT_OR_RL, "31.8 → 21.6 (25K)", _main("SFT 2048"), at_most=0)),
    *_both(
        Claim("more SFT lowers it further", SFT_OR_RL, "21.6 → 12.7 (126K)", _main("SFT 8192", "SFT 2048"), at_most=0)
    ),
    Claim(
        "SFT on traces with cues lowers it",
        SFT_OR_RL,
        "31.8 → 21.3 (55K)",
        _main("SFT cues"),
        at_most=0,
        sources=SHARED,
    ),
    *_both(
        Claim(
            "… further than the same without cues",
            SFT_OR_RL,
            "21.6 (25K), 21.3 (55K)",
            _main("SFT cues", "SFT shared"),
            at_most=0,
            sources=SHARED,
        )
    ),
    *_both(Claim("GRPO raises accuracy", SFT_OR_RL, "31.8 → 34.5", _main("GRPO"), at_least=0)),
    *(
        each
        for traces, more, printed in ((2048, "", "34.5 → 21.0 (5K)"), (8192, ", 8,192 traces", "34.5 → 21.8 (10K)"))
        for each in _each_way(
            Claim(
                f"SFT first, then GRPO, ends below GRPO{more}",
                SFT_OR_RL,
                printed,
                _main(f"SFT {traces}, GRPO", "GRPO"),
                at_most=0,
            )
        )
    ),
    Claim(
        "after more SFT, GRPO ends where it did after less",
        SFT_OR_RL,
        "21.0 (5K), 21.8 (10K)",
        _main("SFT 8192, GRPO", "SFT 2048, GRPO"),
        at_least=-MARGIN,
        at_most=MARGIN,
    ),
    *_both(
        Claim(
            "cues leave a worse start for GRPO than the same traces without",
            SFT_OR_RL,
            "",
            _main("SFT cues, GRPO", "SFT shared, GRPO"),
            at_most=0,
            sources=SHARED,
        )
    ),
    Claim(
        "GRPO's responses are shorter than SFT, GRPO's (words)",
        SFT_OR_RL,
        "shortest (figure 6)",
        _main("GRPO", "SFT 2048, GRPO"),
        at_most=0,
        value="words",
    ),
    *(
        Claim(
            f"after SFT, {what}{than}",
            SFT_OR_RL,
            "",
            _main("SFT 2048", before),
            **bound,
            value=value,
            decoding="sampled",
        )
        for before, than in (("base", ""), ("GRPO", " than after GRPO"))
        for what, value, bound in (
            ("more responses say something false", "false_claim", {"at_least": 0}),
            ("less of what is claimed is true", "claims_true", {"at_most": 0}),
        )
    ),
    *_both(
        Claim(
            "the open-ended reward adds to the rules",
            SFT_OR_RL,
            "29.1 → 31.5",
            _main("GRPO", "GRPO, rules"),
            at_least=0,
            sources=CLOSED,
        )
    ),
    Claim(
        "without the choice verifier, less is gained",
        SFT_OR_RL,
        "29.1 → 24.6",
        _main("GRPO, no choice", "GRPO, rules"),
        at_most=0,
        sources=CLOSED,
    ),
    Claim(
        "without the box verifier, as much is gained elsewhere",
        SFT_OR_RL,
        "29.1 → 29.4",
        _main("GRPO, no box", "GRPO, rules"),
        at_least=-MARGIN,
        sources=tuple(source for source in CLOSED if source != "boxes"),
    ),
)
SIZES = {STRONG: "strong", MIDDLE: "middle", WEAK: "weak"}
OF_THE_SECOND = (
    *(
        each
        for traces in (128, 512, 2048)
        for profile, size in SIZES.items()
        for each in _both(
            Claim(
                f"SFT on {traces:,} traces matches RL on 512 prompts: {size}",
                REASSESSING,
                "2K against 20K",
                _against_rl(traces, profile),
                at_least=-MARGIN,
            )
        )
    ),
    *(
        Claim(f"{arm} raises the weak model at all", REASSESSING, "", _less("capacity", arm, "base", WEAK), at_least=0)
        for arm in ("SFT 512", "GRPO 64")
    ),
    *(
        Claim(
            f"SFT on {traces:,} traces is ahead of RL by more where the model is weaker: middle against strong",
            REASSESSING,
            "weak: SFT +2; strong: RL",
            (*_against_rl(traces, MIDDLE), *_against_rl(traces, STRONG, -1)),
            at_least=0,
        )
        for traces in (512, 2048)
    ),
    Claim("twice as much RL gains more", REASSESSING, "10K → 20K", _less("capacity", "GRPO 64", "GRPO 32"), at_least=0),
    Claim(
        "beyond 2,048 traces hardly anything is gained",
        REASSESSING,
        "level at 2K",
        _main("SFT 8192", "SFT 2048"),
        at_most=MARGIN,
    ),
    Claim(
        "SFT transfers better to text than RL",
        REASSESSING,
        "SFT ahead",
        _against_rl(2048, STRONG),
        at_least=0,
        held="text",
    ),
    *(
        Claim(
            f"{whose} traces {what} on shifted pictures",
            REASSESSING,
            printed,
            _less("capacity", arm, "base"),
            **bound,
            sources=SHARED,
            held="shifted",
        )
        for whose, arm, what, printed, bound in (
            ("own", "SFT 2048, own", "do no harm", "almost none", {"at_least": -MARGIN}),
            ("others'", "SFT 2048, shared", "do harm", "clear harm", {"at_most": 0}),
        )
    ),
    Claim(
        "own traces beat others' on shifted pictures",
        REASSESSING,
        "",
        _less("capacity", "SFT 2048, own", "SFT 2048, shared"),
        at_least=0,
        sources=SHARED,
        held="shifted",
    ),
    *(
        Claim(
            f"{whose} traces do no harm to the sources that they leave out",
            REASSESSING,
            "",
            _less("capacity", arm, "base"),
            at_least=-MARGIN,
            sources=UNTRACED,
        )
        for whose, arm in (("own", "SFT 2048, own"), ("others'", "SFT 2048, shared"))
    ),
    Claim(
        "a learned reward lowers the accuracy that it stands for",
        REASSESSING,
        "reward up, accuracy down",
        _less("rewards", "learned", "base"),
        at_most=0,
        sources=("stories",),
    ),
    *_both(
        Claim(
            "with a reward for manner, accuracy ends below that without",
            REASSESSING,
            "",
            _less("rewards", "likes cues", "clean"),
            at_most=0,
        )
    ),
    *_both(
        Claim(
            "SFT first takes less from it",
            REASSESSING,
            "cold start helps",
            (
                *_less("rewards", "SFT 512, likes cues", "SFT 512, clean"),
                Term(-1, "rewards", "likes cues"),
                Term(+1, "rewards", "clean"),
            ),
            at_least=0,
        )
    ),
)
CLAIMS = (*OF_THE_FIRST, *OF_THE_SECOND)
"""In the order of the papers. Paper numbers are means over six benchmarks, Qwen2.5-VL-3B, in per cent."""
