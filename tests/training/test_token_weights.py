"""Weights of tokens: closed forms of each method, what they may depend on, and weightings of one's own."""

import math
from functools import partial

import pytest
import torch

from vlaa_helpers import TokenWeighting, register_token_weighting, token_weights, weighting_table
from vlaa_helpers.training import weight_registry
from vlaa_helpers.training.weigh_tokens import check_method

PEAR = ("pear_sequence", "pear_token", "pear_block")
METHODS = ("sft", "dft", "trsft", *PEAR, "entropy_top")


def draw(responses=3, tokens=12, seed=0, dtype=torch.float64):
    """Log-probabilities of responses of several lengths after prompts of several lengths, with padding behind."""
    rng = torch.Generator().manual_seed(seed)
    place = torch.arange(tokens)
    begin = torch.randint(0, 3, (responses, 1), generator=rng)
    end = torch.randint(tokens - 4, tokens + 1, (responses, 1), generator=rng)
    mask = (place >= begin) & (place < end)
    logps, behaviour = (torch.rand(responses, tokens, generator=rng, dtype=dtype).log() for _ in range(2))
    entropies = torch.rand(responses, tokens, generator=rng, dtype=dtype)
    return logps, mask, {"behaviour_logps": behaviour, "entropies": entropies}


def weigh(method, logps, mask, beside, **settings):
    return token_weights(method, logps, mask, **beside, **settings)


def loss_of(logps, mask, weights):
    """What the trainer makes of weights: divided by all tokens of the step."""
    return (-weights * logps * mask).sum() / mask.sum()


def gradient(function, logps):
    logps = logps.clone().requires_grad_()
    function(logps).backward()
    return logps.grad


def pear_by_hand(logps, behaviour, *, gamma, block, low=-0.08, high=0.3, floor=-10.0, cap=5.0):
    """PEAR's backward scan over one response without padding, block by block."""
    d = [min(max(a - b, low), high) for a, b in zip(logps, behaviour, strict=True)]
    count = len(d)
    weights = []
    for t in range(count):
        end = min((t // block + 1) * block, count)  # the first token after its block
        log_weight = (count - end) * math.log(gamma) + sum(d[end:])
        weights.append(math.exp(min(max(log_weight, floor), cap)))
    return weights


# ---- every method ----


@pytest.mark.parametrize("method", METHODS)
def test_weights_carry_no_gradient_and_are_zero_where_nothing_counts(method):
    logps, mask, beside = draw()
    weights = weigh(method, logps.requires_grad_(), mask, beside)
    assert weights.shape == logps.shape and not weights.requires_grad
    assert (weights[~mask] == 0).all() and (weights[mask] >= 0).all() and weights[mask].sum() > 0


@pytest.mark.parametrize("method", METHODS)
def test_prompts_and_padding_change_nothing(method):
    """Prompt tokens before, padding behind, whatever values stand there, other responses beside: the same weights."""
    logps, mask, beside = draw()
    alone = [
        weigh(method, logps[row][kept][None], kept[kept][None], {k: v[row][kept][None] for k, v in beside.items()})
        for row, kept in enumerate(mask)
    ]
    for hostile in (0.0, -300.0, math.nan, -math.inf):
        there = torch.full((3, 20), hostile, dtype=torch.float64)
        wide = {name: there.clone() for name in ("logps", *beside)}
        counted = torch.zeros(3, 20, dtype=torch.bool)
        counted[:, 5:17] = mask
        for name, values in {"logps": logps, **beside}.items():
            wide[name][counted] = values[mask]
        weights = token_weights(method, wide.pop("logps"), counted, **wide)
        for row in range(3):
            torch.testing.assert_close(weights[row][counted[row]], alone[row][0])


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_is_computed_in_float32(method):
    logps, mask, beside = draw()
    low = {name: values.bfloat16() for name, values in beside.items()}
    weights = weigh(method, logps.bfloat16(), mask, low)
    exact = weigh(method, logps.bfloat16().float(), mask, {name: values.float() for name, values in low.items()})
    assert weights.dtype == torch.float32 and torch.equal(weights, exact)


# ---- SFT, DFT and TrSFT ----


def test_dft_is_the_probability_and_sft_is_one():
    logps, mask, beside = draw()
    assert torch.equal(weigh("sft", logps, mask, beside), mask.double())
    torch.testing.assert_close(weigh("dft", logps, mask, beside), logps.exp() * mask)


def test_trsft_has_the_gradient_of_sft_inside_the_trust_region_and_a_share_of_it_below():
    p = torch.tensor([[0.01, 0.05, 0.0999, 0.1, 0.5, 1.0]], dtype=torch.float64)
    mask = torch.ones_like(p, dtype=torch.bool)
    weights = token_weights("trsft", p.log(), mask)
    torch.testing.assert_close(weights[0, :3], torch.tensor([0.1, 0.5, 0.999], dtype=torch.float64))
    plain = gradient(lambda logps: loss_of(logps, mask, 1), p.log())
    found = gradient(lambda logps: loss_of(logps, mask, token_weights("trsft", logps, mask)), p.log())
    torch.testing.assert_close(found[0, 3:], plain[0, 3:])
    torch.testing.assert_close(found[0, :3], plain[0, :3] * p[0, :3] / 0.1)


def test_trsft_goes_from_sft_to_minus_the_sum_of_p():
    logps, mask, _ = draw()
    assert torch.equal(token_weights("trsft", logps, mask, alpha=1e-300), mask.double())
    found = gradient(lambda x: loss_of(x, mask, token_weights("trsft", x, mask, alpha=1.0)), logps)
    torch.testing.assert_close(found, gradient(lambda x: -(x.exp() * mask).sum() / mask.sum(), logps))


def test_trsft_ends_where_proposition_1_says():
    """Gradient descent on the logits of one token: small modes of the expert are pruned, the others rescaled.

    Plain SFT, beside it, copies the expert. Each row is an expert.
    """
    experts = torch.tensor(
        [[0.5, 0.25, 0.15, 0.06, 0.03, 0.01], [0.7, 0.2, 0.04, 0.03, 0.02, 0.01], [0.3, 0.3, 0.3, 0.06, 0.03, 0.01]],
        dtype=torch.float64,
    )
    kept, alpha = experts > 0, 0.1
    for _ in range(6):  # S = {c : p_E(c) > alpha * lambda}, lambda = sum of p_E over S
        kept = experts > alpha * (experts * kept).sum(dim=1, keepdim=True)
    assert kept.sum(dim=1).tolist() == [3, 2, 3]
    pruned = experts * kept / (experts * kept).sum(dim=1, keepdim=True)
    for method, expected in {"trsft": pruned, "sft": experts}.items():
        logits = torch.zeros_like(experts, requires_grad=True)
        for _ in range(1000):
            logps = logits.log_softmax(dim=1)
            weights = token_weights(method, logps, torch.ones_like(experts))
            (step,) = torch.autograd.grad(-(experts * weights * logps).sum(), logits)
            logits.data -= 2 * step
        torch.testing.assert_close(logits.softmax(dim=1).detach(), expected, atol=1e-2, rtol=0)


# ---- PEAR ----


@pytest.mark.parametrize("method", PEAR)
def test_pear_of_its_own_responses_without_discount_is_sft(method):
    logps, mask, _ = draw()
    settings = {} if method == "pear_sequence" else {"gamma": 1.0}
    weights = token_weights(method, logps, mask, behaviour_logps=logps, **settings)
    assert torch.equal(weights, mask.double())
    found = gradient(lambda x: loss_of(x, mask, weights), logps)
    assert torch.equal(found, gradient(lambda x: loss_of(x, mask, 1), logps))


def test_pear_of_its_own_responses_discounts_by_the_tokens_that_follow():
    logps, mask, _ = draw()
    weights = token_weights("pear_token", logps, mask, behaviour_logps=logps, gamma=0.9)
    for row, kept in zip(weights, mask, strict=True):
        count = int(kept.sum())
        expected = [0.9 ** (count - t) for t in range(1, count + 1)]
        assert row[kept].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5, 100])
def test_pear_is_the_backward_scan(block):
    logps, mask, beside = draw(responses=5, tokens=15, seed=block)
    weights = weigh("pear_block", logps, mask, beside, block=block, gamma=0.97)
    for row, kept in enumerate(mask):
        behaviour = beside["behaviour_logps"][row][kept].tolist()
        expected = pear_by_hand(logps[row][kept].tolist(), behaviour, gamma=0.97, block=block)
        assert weights[row][kept].tolist() == pytest.approx(expected)


def test_pear_with_blocks_of_one_is_the_token_form_and_with_one_block_plain_sft():
    logps, mask, beside = draw()
    assert torch.equal(weigh("pear_block", logps, mask, beside, block=1), weigh("pear_token", logps, mask, beside))
    assert torch.equal(weigh("pear_block", logps, mask, beside, block=12), mask.double())
    for row, kept in zip(weigh("pear_token", logps, mask, beside), mask, strict=True):
        assert row[kept][-1] == 1


def test_pear_of_sequences_is_one_weight_a_response():
    logps, mask, beside = draw()
    weights = weigh("pear_sequence", logps, mask, beside)
    for row, kept in enumerate(mask):
        ratios = (logps[row] - beside["behaviour_logps"][row])[kept].clamp(-0.08, 0.3)
        torch.testing.assert_close(weights[row][kept], ratios.sum().exp().expand(int(kept.sum())))


@pytest.mark.parametrize("late", [4, 8, 11])
def test_a_likelier_late_token_raises_the_weights_of_all_before_it(late):
    mask = torch.ones(1, 12, dtype=torch.bool)
    behaviour = torch.full((1, 12), -1.0, dtype=torch.float64)
    raised = behaviour.clone()
    raised[0, late] += 0.2  # within the bounds of a ratio
    before, after = (
        token_weights("pear_token", logps, mask, behaviour_logps=behaviour) for logps in (behaviour, raised)
    )
    assert (after[0, :late] > before[0, :late]).all() and torch.equal(after[0, late:], before[0, late:])


@pytest.mark.parametrize(("gap", "tokens", "bound"), [(-1.0, 126, -10), (1.0, 18, 5)])
def test_pear_reaches_its_bounds_after_as_many_tokens_as_the_arithmetic_says(gap, tokens, bound):
    """At the floor of -0.08 a token, 125 later tokens make -10; at the cap of 0.3, 17 make 5 (5.1)."""
    behaviour = torch.zeros(1, 300, dtype=torch.float64) - 2
    weights = token_weights(
        "pear_token", behaviour + gap, torch.ones(1, 300), behaviour_logps=behaviour, gamma=1.0
    )  # fmt: skip
    at_bound = torch.isclose(weights.log(), torch.tensor(float(bound), dtype=torch.float64))[0]
    assert int((~at_bound).sum()) + 1 == tokens


def test_other_bounds_are_settings():
    behaviour = torch.zeros(1, 4, dtype=torch.float64) - 12
    weights = token_weights(
        "pear_token", behaviour + 9, torch.ones(1, 4), behaviour_logps=behaviour, gamma=1.0,
        log_ratio_clip=(-1.0, 1.0), log_weight_clip=(-2.0, 2.0),
    )  # fmt: skip
    assert weights.log().tolist() == [[2.0, 2.0, 1.0, 0.0]]


def test_probabilities_in_the_place_of_logs_are_refused():
    with pytest.raises(ValueError, match="log p, not p"):
        token_weights("dft", torch.tensor([[0.2, 0.9]]), torch.ones(1, 2))
    token_weights("dft", torch.tensor([[-0.2, 0.9]]), torch.tensor([[1, 0]]))  # of padding anything will do


def test_what_is_neither_a_name_nor_a_function_is_refused():
    with pytest.raises(TypeError, match="expected one name"):
        check_method(["sft", "dft"])


# ---- the tokens of highest entropy ----


@pytest.mark.parametrize(
    ("share", "counts"), [(0.2, [2, 3, 1]), (0.1, [1, 2, 1]), (0.5, [5, 6, 1]), (1.0, [10, 11, 1])]
)
def test_entropy_keeps_its_share_of_each_response_rounded_up(share, counts):
    mask = torch.arange(14) < torch.tensor([[10], [11], [1]])
    entropies = torch.rand(3, 14, generator=torch.Generator().manual_seed(0))
    entropies[~mask] = 9.0  # padding is surest of nothing, and never counts
    weights = token_weights("entropy_top", -entropies, mask, entropies=entropies, share=share)
    assert weights.sum(dim=1).tolist() == counts
    for row, values, kept in zip(weights, entropies, mask, strict=True):
        assert values[row == 1].min() >= values[kept & (row == 0)].max() if (kept & (row == 0)).any() else True


def test_entropy_keeps_one_token_however_small_its_share():
    mask = torch.ones(1, 10)
    assert token_weights("entropy_top", -mask, mask, entropies=0 * mask, share=1e-9).sum() == 1


def test_entropy_keeps_no_more_where_entropies_are_equal_or_products_round_up():
    mask = torch.ones(1, 100)
    assert 0.07 * 100 > 7
    assert token_weights("entropy_top", -mask, mask, entropies=0 * mask, share=0.07).sum() == 7


# ---- what is refused ----


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("focal", {}, r"unknown weighting 'focal'; expected one of sft, dft, .*register_token_weighting\("),
        ("pear_token", {"behaviour_logps": None}, r"pear_token reads behaviour_logps, .*add_behaviour_logps\("),
        ("entropy_top", {"entropies": None}, "entropy_top reads entropies, which was not given"),
        ("trsft", {"alpha": 0.0}, "alpha is a probability above 0"),
        ("entropy_top", {"share": 1.5}, "share is above 0, up to 1"),
        ("pear_block", {"block": 0}, "a block has 1 token or more"),
        ("pear_block", {"block": 2.5}, "a block has 1 token or more, a whole number, got block=2.5"),
        ("pear_token", {"gamma": 0.0}, "gamma is above 0"),
        ("pear_token", {"log_ratio_clip": (0.3, -0.08)}, r"log_ratio_clip is \(lowest, highest\), got \(0.3, -0.08\)"),
        ("pear_sequence", {"log_weight_clip": (5, -10)}, r"log_weight_clip is \(lowest, highest\), got \(5, -10\)"),
        ("pear_block", {"log_weight_clip": (math.nan, 5)}, "log_weight_clip is"),
        ("dft", {"entropies": torch.zeros(2, 2)}, r"expected one shape .* logps \(3, 12\), .*entropies \(2, 2\)"),
        (lambda logps, mask: logps[:1], {}, r"gave weights of shape \(1, 12\) for tokens of \(3, 12\)"),
        (lambda logps, mask: 0.5, {}, "gave 0.5; expected a tensor of weights"),
        (lambda logps, mask: logps / 0, {}, "weights that are not finite"),
    ],
)
def test_what_cannot_be_weighed_is_refused(method, settings, said):
    logps, mask, beside = draw()
    with pytest.raises(ValueError, match=said):
        token_weights(method, logps, mask, **(beside | settings))


@pytest.mark.parametrize("kind", [torch.bool, torch.int64, torch.float16, torch.float32])
def test_weights_of_any_type_come_back_as_numbers_one_can_sum(kind):
    """A mask is a weighting too: 1 for some tokens. Squares and means of it are logged."""
    logps = torch.tensor([[-1.0, -2.0, -3.0]])
    weights = token_weights(lambda logps, mask: (logps > -2.5).to(kind), logps, torch.ones(1, 3))
    assert weights.dtype == torch.float32 and weights.tolist() == [[1, 1, 0]]


@pytest.mark.parametrize(
    ("method", "error", "said"),
    [
        (partial(token_weights, "trsft", alpha=5), ValueError, "alpha is a probability above 0"),
        (partial(token_weights, "trsft2"), ValueError, "unknown weighting 'trsft2'"),
        (partial(token_weights, "trsft", gamma=0.9), TypeError, "trsft: got an unexpected keyword argument 'gamma'"),
        (partial(partial(token_weights, "entropy_top"), share=2), ValueError, "share is above 0, up to 1"),
        (partial(token_weights, "pear_token"), ValueError, "pear_token reads behaviour_logps, which was not given"),
        (partial(token_weights, alpha=0.1), TypeError, "names no method"),
        (lambda logps: logps, TypeError, "too many positional arguments"),
        (lambda logps, mask, power: logps, TypeError, "missing a required argument: 'power'"),
    ],
)
def test_a_method_that_cannot_work_is_found_without_a_token(method, error, said):
    with pytest.raises(error, match=said):
        check_method(method)


@pytest.mark.parametrize("method", [*METHODS, *(partial(token_weights, name) for name in METHODS)])
def test_methods_that_work_pass_the_check(method):
    check_method(method, behaviour=True)


def test_a_function_of_ones_own_is_not_called_before_its_time():
    check_method(lambda logps, mask, *, entropies, power=1.0: pytest.fail("it was called"))


def test_a_setting_that_a_method_does_not_have_is_refused():
    with pytest.raises(TypeError, match=r"trsft: got an unexpected keyword argument 'gamma'; weighting_table\(\)"):
        token_weights("trsft", torch.zeros(1, 2), torch.ones(1, 2), gamma=0.9)


# ---- the registry ----


@pytest.fixture
def register(monkeypatch):
    monkeypatch.setattr(weight_registry, "_registered", dict(weight_registry._registered))
    return register_token_weighting


def test_a_weighting_of_ones_own_is_given_what_it_asks_for(register):
    def surprise(logps, mask, *, behaviour_logps, entropies=None, power=1.0):
        assert entropies is None
        return (behaviour_logps - logps).clamp(min=0) ** power

    register(TokenWeighting("surprise", surprise, "how much likelier it was for its writer"))
    logps, mask, beside = draw()
    found = token_weights("surprise", logps, mask, behaviour_logps=beside["behaviour_logps"], power=2.0)
    expected = (beside["behaviour_logps"] - logps).clamp(min=0) ** 2 * mask
    torch.testing.assert_close(found, expected)
    assert weighting_table().loc["surprise"].to_dict() == {
        "weight": "how much likelier it was for its writer", "reads": "behaviour_logps, entropies",
        "settings": "power=1.0",
    }  # fmt: skip
    register(TokenWeighting("surprise", lambda logps, mask: mask * 0.5))  # again, as a notebook's cell may be
    assert token_weights("surprise", logps, mask).sum() == mask.sum() / 2


def test_the_table_lists_methods_defaults_and_sources():
    table = weighting_table()
    assert tuple(table.index) == METHODS
    assert table["settings"]["trsft"] == "alpha=0.1"
    assert table["settings"]["pear_token"] == "gamma=0.999, log_ratio_clip=(-0.08, 0.3), log_weight_clip=(-10.0, 5.0)"
    assert table["weight"][list(PEAR)].str.contains("second-hand").all()
    assert table["reads"][["dft", "pear_block", "entropy_top"]].tolist() == ["", "behaviour_logps", "entropies"]


@pytest.mark.parametrize(
    ("weighting", "error", "said"),
    [
        (lambda logps, mask: mask, TypeError, r"expected a TokenWeighting, got .*register_token_weighting\("),
        (TokenWeighting("dft", lambda logps, mask: mask), ValueError, "'dft' is taken .* 'my_dft'"),
        (TokenWeighting("My own", lambda logps, mask: mask), ValueError, "small letters, digits and _ alone"),
        (
            TokenWeighting("mine", lambda logps: logps),
            TypeError,
            r"too many positional arguments; expected \(logps, mask",
        ),
        (TokenWeighting("mine", lambda logps, mask, power: mask), TypeError, "missing a required argument: 'power'"),
    ],
)
def test_what_is_no_weighting_is_refused(register, weighting, error, said):
    with pytest.raises(error, match=said):
        register(weighting)
    assert tuple(weighting_table().index) == METHODS
