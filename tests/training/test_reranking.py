"""Reranking: both losses are weight times direction, by autograd, and the four mixtures are what they say."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from vlaa_helpers import load_policy, make_relevance_pairs, relevance_logits, relevance_loss, relevance_weights
from vlaa_helpers.training import relevance_scores
from vlaa_helpers.training.reranking import WAYS, ask_relevance, yes_no_ids

QUERIES, CANDIDATES, WIDTH = 4, 5, 7


@pytest.fixture
def toy():
    """Hidden states (queries, candidates, width) and the output's rows of "yes" and "no", (2, width)."""
    rng = torch.Generator().manual_seed(0)
    hidden = torch.randn(QUERIES, CANDIDATES, WIDTH, generator=rng, dtype=torch.float64, requires_grad=True)
    head = torch.randn(2, WIDTH, generator=rng, dtype=torch.float64, requires_grad=True)
    relevant = torch.eye(CANDIDATES, dtype=torch.bool)[[2, 0, 4, 0]]
    return hidden, head, relevant


def sft_loss(logits, relevant):
    """The negative log-likelihood of the right word."""
    return cross_entropy(logits.flatten(0, 1), (~relevant).long().flatten())


def contrastive_loss(logits, relevant):
    """InfoNCE over "yes": one relevant candidate against the negatives of its query."""
    return cross_entropy(logits[..., 0], relevant.long().argmax(dim=1))


def closed_form(hidden, head, relevant, *, weight, direction):
    """Weight times direction at each hidden state, from probabilities worked out by hand; not yet averaged."""
    yes, no = ((hidden @ row).detach() for row in head)
    p_yes = yes.exp() / (yes.exp() + no.exp())
    share = yes.exp() / yes.exp().sum(dim=1, keepdim=True)
    at_negative = {"sft": p_yes, "contrastive": share}[weight]
    at_relevant = {"sft": no.exp() / (yes.exp() + no.exp()), "contrastive": (share * ~relevant).sum(1, keepdim=True)}
    pull = torch.where(relevant, -at_relevant[weight], at_negative)  # (queries, candidates)
    return pull[..., None] * {"sft": head[0] - head[1], "contrastive": head[0]}[direction].detach()


@pytest.mark.parametrize(
    ("way", "loss", "terms"), [("sft", sft_loss, QUERIES * CANDIDATES), ("contrastive", contrastive_loss, QUERIES)]
)
def test_the_closed_form_is_the_gradient_of_the_loss(toy, way, loss, terms):
    hidden, head, relevant = toy
    found = torch.autograd.grad(loss(hidden @ head.T, relevant), hidden)[0]
    expected = closed_form(hidden, head, relevant, weight=way, direction=way) / terms
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_a_weight_with_its_own_direction_is_the_loss_itself(toy, way):
    """At the hidden states and at the output's rows; InfoNCE is a mean over queries, and this one over pairs."""
    hidden, head, relevant = toy
    plain = sft_loss if way == "sft" else lambda *given: contrastive_loss(*given) / CANDIDATES
    logits = hidden @ head.T
    expected = torch.autograd.grad(plain(logits, relevant), (hidden, head), retain_graph=True)
    found = torch.autograd.grad(relevance_loss(logits, relevant, weight=way, direction=way), (hidden, head))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weight", WAYS)
@pytest.mark.parametrize("direction", WAYS)
def test_the_four_mixtures_are_weight_times_direction(toy, weight, direction):
    """Weights are constants: a gradient through them would show here."""
    hidden, head, relevant = toy
    loss = relevance_loss(hidden @ head.T, relevant, weight=weight, direction=direction)
    expected = closed_form(hidden, head, relevant, weight=weight, direction=direction) / (QUERIES * CANDIDATES)
    torch.testing.assert_close(torch.autograd.grad(loss, hidden)[0], expected, rtol=1e-10, atol=1e-12)


def test_the_mixtures_are_four(toy):
    hidden, head, relevant = toy
    kinds = [(weight, direction) for weight in WAYS for direction in WAYS]
    found = [closed_form(hidden, head, relevant, weight=one, direction=other) for one, other in kinds]
    assert all(not torch.allclose(found[j], found[k]) for j in range(4) for k in range(j))


def test_weights_look_at_what_their_loss_looks_at(toy):
    hidden, head, relevant = toy
    logits = hidden @ head.T
    for way in WAYS:
        weights = relevance_weights(logits, relevant, weight=way)
        assert not weights.requires_grad and weights.min() > 0 and weights.max() < 1
    contrastive = relevance_weights(logits, relevant, weight="contrastive")
    torch.testing.assert_close((contrastive * ~relevant).sum(dim=1), (contrastive * relevant).sum(dim=1))
    for row, right, weights in zip(logits[..., 0], relevant, contrastive, strict=True):
        assert (row[~right].argsort() == weights[~right].argsort()).all()  # a hard negative weighs more
    changed = logits.detach().clone()
    changed[:, 1] += torch.tensor([0.7, -0.2])  # another candidate
    others = torch.arange(CANDIDATES) != 1
    same = {
        way: relevance_weights(logits, relevant, weight=way) == relevance_weights(changed, relevant, weight=way)
        for way in WAYS
    }
    assert same["sft"][:, others].all() and not same["contrastive"][:, others].any()
    higher = logits + 3 * torch.tensor([1.0, 0.0])  # "yes" likelier everywhere
    torch.testing.assert_close(relevance_weights(higher, relevant, weight="contrastive"), contrastive)
    assert not torch.isclose(relevance_weights(higher, relevant), relevance_weights(logits, relevant)).any()


def test_half_precision_is_computed_in_float32(toy):
    hidden, head, relevant = toy
    logits = (hidden @ head.T).detach().bfloat16()
    for way in WAYS:
        found = relevance_weights(logits, relevant, weight=way)
        assert torch.equal(found, relevance_weights(logits.float(), relevant, weight=way))


def test_candidates_are_ranked_by_what_the_loss_pulled():
    logits = torch.tensor([[2.0, 3.0], [1.0, 0.0]])
    assert relevance_scores(logits).tolist() == [-1.0, 1.0]
    assert relevance_scores(logits, direction="contrastive").tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": "infonce"}, "weight='infonce'; expected 'sft' or 'contrastive'"),
        ({"direction": "up"}, "direction='up'; expected 'sft' or 'contrastive'"),
        ({"relevant": torch.ones(2, 3)}, "2 of 2 queries have none or several relevant candidates; expected one each"),
        ({"relevant": torch.eye(3)[:2, :2]}, r"got \(2, 3, 2\) and \(2, 2\)"),
        ({"logits": torch.zeros(2, 3)}, r"expected logits \(queries, candidates, 2\)"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    given = {"logits": torch.zeros(2, 3, 2), "relevant": torch.eye(3)[:2], **change}
    with pytest.raises(ValueError, match=said):
        relevance_loss(**given)


# ---- the model ----


def test_logits_are_those_of_the_model_and_batches_change_nothing(tiny_profile):
    """One pair at a time, without padding: the logits after the words that open the reply."""
    model, processor = load_policy(tiny_profile)
    pairs = make_relevance_pairs(2, negatives=2)
    found = relevance_logits(model, processor, pairs, batch_size=4)
    assert found.shape == (6, 2) and found.dtype == torch.float32 and len({tuple(row) for row in found.tolist()}) == 6
    vocabulary = processor.tokenizer.get_vocab()
    ids = [vocabulary["y"], vocabulary["n"]]  # the mini vocabulary cuts both words
    assert yes_no_ids(processor) == ids
    model.train()
    torch.testing.assert_close(relevance_logits(model, processor, pairs, batch_size=1), found, rtol=1e-4, atol=1e-5)
    assert model.training
    model.eval()
    for row, expected in zip(pairs, found, strict=True):
        text = processor.apply_chat_template([ask_relevance(row["query"])], tokenize=False, add_generation_prompt=True)
        assert row["query"] in text and "yes or no" in text
        with torch.no_grad():
            logits = model(**processor(text=[text], images=[row["image"]], return_tensors="pt")).logits[0, -1]
        torch.testing.assert_close(logits[ids], expected, rtol=1e-4, atol=1e-5)


def test_a_tokenizer_that_begins_both_words_alike_is_refused():
    class Spelling:
        def __call__(self, text, **_):
            return {"input_ids": [7, len(text)]}

    with pytest.raises(ValueError, match="begins yes and no with one token, 7"):
        yes_no_ids(Spelling())
