"""How good an open-ended answer is: scorers behind one small interface, and whom the open-ended reward asks.

The paper uses a 7B reward model that sees the image (arXiv 2504.11468 §4.1). Any scorer will do that gives higher
numbers to better answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.endpoint import ChatEndpoint, EndpointUnavailable
from ..core.images import data_url
from ..core.record_schema import meta_of
from ..mini_world.kinds import kind_of_description
from ..mini_world.scenes import stated_facts


@dataclass(frozen=True)
class Question:
    """What an answer is an answer to: the question's words, the record's `meta` as JSON, and its images."""

    text: str
    meta: str = ""
    images: tuple = field(default=(), repr=False, compare=False)


class Scorer(Protocol):
    """Scores answers; higher is better, on any scale."""

    def __call__(self, questions: Sequence[Question], answers: Sequence[str]) -> list[float | None]:
        """One score an answer, in order; None for one that could not be scored."""
        ...


class FactsScorer:
    """Scores an answer about a mini-world image by its facts: +1 for each true one that was asked for, -1 for each
    claim that is not true of the scene; repeating a claim gains nothing.

    Raises:
        ValueError: a record without scene facts.
    """

    def __call__(self, questions: Sequence[Question], answers: Sequence[str]) -> list[float | None]:
        return [self._score(question.meta, answer) for question, answer in zip(questions, answers, strict=True)]

    def _score(self, meta: str, answer: str) -> float:
        try:
            known = meta_of({"meta": meta})
            kind = kind_of_description(known)
            wanted = set(stated_facts(kind.name, " ".join(known["task"]["wanted"])))
            facts = set(stated_facts(kind.name, kind.words(known["facts"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "this record has no scene facts in its meta, so its answer cannot be checked against them; pass "
                'another scorer, MixedReward(scorer=RewardModelScorer("…")) or JudgeScorer, or leave such records out'
            ) from error
        stated = set(stated_facts(kind.name, answer))
        return float(len(stated & wanted) - len(stated - facts))


class RewardModelScorer:
    """Scores with a scalar reward model from the hub or a folder (`AutoModelForSequenceClassification`, one label).

    The model reads a chat: the question, after what is known of the image in words, and the answer. It waits on the
    CPU between scorings, as in the paper (Appendix C.1), so that the policy has the GPU.

    Args:
        model: hub id or folder.
        device: where it scores.
        revision: a commit of the hub repository; needed with `trust_remote_code`.
        trust_remote_code: run code that the repository ships. Read it first.
        batch_size: answers scored at once.

    Raises:
        ValueError: remote code without a pinned revision, or a model with more than one label.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "cpu",
        revision: str | None = None,
        trust_remote_code: bool = False,
        batch_size: int = 32,
    ):
        if trust_remote_code and not (revision and len(revision) == 40):
            raise ValueError(
                f"trust_remote_code runs what {model} ships, so pin what you have read: revision=<the 40 hex digits "
                f"of a commit>, got {revision!r}"
            )
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        options = {"revision": revision, "trust_remote_code": trust_remote_code}
        self.tokenizer = AutoTokenizer.from_pretrained(model, padding_side="right", **options)
        self.model = AutoModelForSequenceClassification.from_pretrained(model, **options).eval()
        if self.model.config.num_labels != 1:
            raise ValueError(f"{model} has {self.model.config.num_labels} labels; a scalar reward model has one")
        self.device = device
        self.batch_size = batch_size

    def __call__(self, questions: Sequence[Question], answers: Sequence[str]) -> list[float | None]:
        import torch

        chats = [preference_chat(question, answer) for question, answer in zip(questions, answers, strict=True)]
        texts = [self.tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats]
        scores: list[float | None] = []
        self.model.to(self.device)
        with torch.no_grad():
            for first in range(0, len(texts), self.batch_size):
                batch = self.tokenizer(texts[first : first + self.batch_size], padding=True, return_tensors="pt")
                scores += self.model(**batch.to(self.device)).logits[:, 0].float().tolist()
        self.model.to("cpu")
        return scores


def preference_chat(question: Question, answer: str) -> list[dict[str, str]]:
    """What a text reward model reads: the image in words where they are known, the question, the answer."""
    meta = meta_of({"meta": question.meta})
    described = "wanted" in meta.get("task", {})
    words = kind_of_description(meta).words(meta["facts"]) if described else meta.get("caption", "")
    asked = f"{words} {question.text}".strip()
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


JUDGE_PROMPT = (
    "You rate answers to questions about pictures, from 0 (wrong or empty) to 10 (right and complete). "
    "Reply with one whole number and nothing else."
)


class JudgeScorer:
    """Scores with a language model on an OpenAI-compatible endpoint: a whole number from 0 to 10.

    An answer for which no such number comes back gets None: it is left out, never counted as bad.

    Args:
        model: on the endpoint.
        endpoint: its retries and key are those of `ChatEndpoint`; a wrong key or model is an `EndpointError`.
        sees_images: send it the images of a question too, as the paper's reward model had them; the model has to
            take images.
    """

    def __init__(self, model: str, endpoint: ChatEndpoint, *, sees_images: bool = False):
        self.model = model
        self.endpoint = endpoint
        self.sees_images = sees_images

    def __call__(self, questions: Sequence[Question], answers: Sequence[str]) -> list[float | None]:
        return [self._score(question, answer) for question, answer in zip(questions, answers, strict=True)]

    def _score(self, question: Question, answer: str) -> float | None:
        asked = f"{preference_chat(question, answer)[0]['content']}\n\nAnswer: {answer}"
        content: str | list[dict[str, Any]] = asked
        if self.sees_images and question.images:
            parts = [{"type": "image_url", "image_url": {"url": data_url(image)}} for image in question.images]
            content = [*parts, {"type": "text", "text": asked}]
        messages = [{"role": "system", "content": JUDGE_PROMPT}, {"role": "user", "content": content}]
        try:
            reply = self.endpoint.complete(self.model, messages, max_tokens=8)
        except EndpointUnavailable:
            return None
        text = reply.text.strip().removesuffix(".")
        return float(text) if not reply.problem and len(text) <= 2 and text.isdecimal() and int(text) <= 10 else None
