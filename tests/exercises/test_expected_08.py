"""What the checks of chapter 08 expect is what the package works out."""

import pytest
import torch

from vlaa_helpers import token_weights
from vlaa_helpers.exercises import chapter_08
from vlaa_helpers.exercises.by_cases import plain


def each(exercise):
    """Arguments of every case, and what the check expects for them."""
    for case in exercise.check.cases:
        yield case.given, plain(exercise.check.solve(*case.given))


def test_the_gradient_of_trsft_is_autograd_s():
    for (p, token, alpha), expected in each(chapter_08.TRSFT_GRADIENT):
        logits = torch.tensor(p, dtype=torch.float64).log().requires_grad_()
        logp = logits.log_softmax(dim=0)[token]
        weight = token_weights("trsft", logp.detach()[None, None], torch.ones(1, 1), alpha=alpha)
        (-weight[0, 0] * logp).backward()
        assert logits.grad.tolist() == pytest.approx(expected)


def test_pear_s_weights_are_the_package_s():
    cases = chapter_08.PADDING_BUG.check.cases
    for case in cases() if callable(cases) else cases:
        logps, behaviour, mask, gamma = case.given
        expected = chapter_08.PADDING_BUG.check.solve(*case.given)
        found = token_weights("pear_token", logps, mask, behaviour_logps=behaviour, gamma=gamma)
        assert torch.allclose(found, expected)


def test_the_bug_shows_where_padding_follows_and_nowhere_else():
    cases = chapter_08.PADDING_BUG.check.cases
    for case in cases() if callable(cases) else cases:
        logps, behaviour, mask, gamma = case.given
        right, port = (chapter_08._pear(*case.given, how=how) for how in ("", "port"))
        assert torch.allclose(right, port) == bool(mask[:, -1].all())


def test_effective_sizes_are_a_share():
    for (weights,), share in each(chapter_08.EFFECTIVE_SIZE):
        w = torch.tensor(weights, dtype=torch.float64)
        assert share == pytest.approx(float(w.sum() ** 2 / (w**2).sum().clamp(min=1e-12) / len(w)))
