"""Reranking by "yes" and "no": its SFT loss and its contrastive one as weight times direction (arXiv 2510.14824).

A model reads a query and a candidate and is asked whether they fit. With z the logits of "yes" and "no" after that,
their rows of the output matrix M and the last hidden state h, so z = M h, both losses pull at h along a direction, as
hard as a weight says:

    loss          gradient at h, relevant   negative        weight, relevant      weight, negative
    SFT           -W (M_yes - M_no)         +W (M_yes - M_no)   p(no)             p(yes)
    contrastive   -W M_yes                  +W M_yes            1 - share         share

p is over the two words, share is softmax(z_yes) over the candidates of a query. The formulas of a relevant candidate
are second-hand, those of negatives are worked out here, and tests hold both against autograd of the losses. So the
weight of one loss may go with the direction of the other: four mixtures.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..core.images import decode_image
from ..data.trl_views import user_turn

if TYPE_CHECKING:
    from datasets import Dataset

WAYS = ("sft", "contrastive")
"""Of weights, and of directions."""
WORDS = ("yes", "no")


def relevance_weights(logits: Tensor, relevant: Tensor, *, weight: str = "sft") -> Tensor:
    """How hard a loss pulls at each candidate of each query.

    Args:
        logits: of "yes" and "no", shape (queries, candidates, 2).
        relevant: shape (queries, candidates), true for one candidate a query.
        weight: "sft" looks at a candidate alone: the probability of the wrong word. "contrastive" looks at it among the
            others: how much of the softmax over "yes" the relevant one lacks, or a negative has.

    Returns:
        Shape (queries, candidates), 0-1, without gradient. Contrastive weights of a query's negatives add up to that of
        its relevant candidate.

    Raises:
        ValueError: an unknown weight, other shapes, or a query without exactly one relevant candidate.

    >>> logits = torch.tensor([[[0.0, 0.0], [0.0, 2.0]]])
    >>> [relevance_weights(logits, torch.tensor([[1, 0]]), weight=way).tolist() for way in ("sft", "contrastive")]
    [[[0.5, 0.11920291930437088]], [[0.5, 0.5]]]
    """
    right = _checked(logits, relevant, weight, "weight")
    yes, no = logits.detach().to(torch.promote_types(logits.dtype, torch.float32)).unbind(dim=-1)
    chosen = (yes - no).sigmoid() if weight == "sft" else yes.softmax(dim=1)  # (queries, candidates)
    return torch.where(right, 1 - chosen, chosen)


def relevance_loss(logits: Tensor, relevant: Tensor, *, weight: str = "sft", direction: str = "sft") -> Tensor:
    """A loss whose gradient is weight times direction, a mean over all pairs of a query and a candidate.

    With "sft" twice its gradient is that of the cross entropy of "yes" and "no"; with "contrastive" twice it is that of
    InfoNCE over "yes", divided by the number of candidates, so that mixtures differ in nothing but what they mix. Its
    value is no likelihood: compare arms by their ranking.

    Args:
        logits, relevant, weight: of `relevance_weights`; weights are constants in the loss.
        direction: "sft" pulls "yes" against "no", "contrastive" pulls "yes" alone.

    Raises:
        ValueError: an unknown direction, or what `relevance_weights` refuses.
    """
    right = _checked(logits, relevant, direction, "direction")
    weights = relevance_weights(logits, relevant, weight=weight)
    return (torch.where(right, -weights, weights) * relevance_scores(logits, direction=direction)).mean()


def relevance_scores(logits: Tensor, *, direction: str = "sft") -> Tensor:
    """What candidates are ranked by: "yes" against "no", or "yes" alone, as the loss pulled.

    Args:
        logits: of "yes" and "no", shape (…, 2).
        direction: of the loss that it was trained with.

    Returns:
        Shape (…).
    """
    _check_way(direction, "direction")
    yes, no = logits.unbind(dim=-1)
    return yes - no if direction == "sft" else yes


def relevance_logits(model: Any, processor: Any, pairs: "Dataset", *, batch_size: int = 32) -> Tensor:
    """The logits of "yes" and "no" for pairs of a question and an image.

    Args:
        model, processor: a policy.
        pairs: with columns `query` and `image`, as `make_relevance_pairs` gives them.
        batch_size: pairs read at once; the result does not depend on it.

    Returns:
        Shape (pairs, 2), in float32, on the CPU. The model computes in eval mode and stays in the mode that it was in.

    Raises:
        ValueError: a tokenizer for which both words begin alike.
    """
    was_training, found = model.training, []
    model.eval()
    try:
        with torch.no_grad():
            for rows in pairs.iter(batch_size=batch_size):
                together = zip(rows["query"], rows["image"], strict=True)
                some = [{"query": query, "image": image} for query, image in together]
                found.append(yes_no_logits(model, processor, some).cpu())
    finally:
        model.train(was_training)
    return torch.cat(found)


def yes_no_logits(model: Any, processor: Any, pairs: Sequence[Mapping[str, Any]]) -> Tensor:
    """As `relevance_logits`, of a few pairs at once and with a gradient; shape (pairs, 2)."""
    texts = [
        processor.apply_chat_template([ask_relevance(pair["query"])], tokenize=False, add_generation_prompt=True)
        for pair in pairs
    ]
    images = [[decode_image(pair["image"])] for pair in pairs]
    inputs = processor(text=texts, images=images, padding=True, padding_side="left", return_tensors="pt")
    logits = model(**inputs.to(model.device), use_cache=False, logits_to_keep=1).logits  # (pairs, 1, vocabulary)
    return logits[:, -1, yes_no_ids(processor)].float()


def ask_relevance(query: str) -> dict:
    """What the user says: the image, the question, and whether it fits."""
    return user_turn(f"{query} Does this question fit the picture? Answer yes or no.", True)


def yes_no_ids(processor: Any) -> list[int]:
    """The tokens that "yes" and "no" begin with; small vocabularies cut the words in two.

    Raises:
        ValueError: they begin alike.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    ids = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in WORDS]
    if len(set(ids)) < len(ids):
        raise ValueError(f"the tokenizer begins {' and '.join(WORDS)} with one token, {ids[0]}; it cannot say either")
    return ids


def _checked(logits: Tensor, relevant: Tensor, way: str, what: str) -> Tensor:
    _check_way(way, what)
    if logits.ndim != 3 or logits.shape != (*relevant.shape, 2):
        raise ValueError(
            f"expected logits (queries, candidates, 2) and relevant (queries, candidates), got {tuple(logits.shape)} "
            f"and {tuple(relevant.shape)}"
        )
    right = relevant.to(logits.device).bool()
    if odd := int((right.sum(dim=1) != 1).sum()):
        raise ValueError(f"{odd} of {len(right)} queries have none or several relevant candidates; expected one each")
    return right


def _check_way(way: str, what: str) -> None:
    if way not in WAYS:
        raise ValueError(f"{what}={way!r}; expected {' or '.join(map(repr, WAYS))}")
