"""A model for lmms-eval: a base in 4 bits with an adapter of ours on it, asked with our prompt.

lmms-eval 0.7.3 has no model that puts a LoRA adapter on Qwen2.5-VL. `vlaa-helpers[eval]` registers this one at the
entry point `lmms_eval.models`, under the name "vlaa":

    lmms-eval --model vlaa --model_args adapter=runs/grpo/adapter,profile=t4 --tasks mathvision_testmini

lmms_eval is imported only when it asks for the model.
"""

import functools
import logging
from collections.abc import Sequence
from typing import Any

from ..core.answers import SYSTEM_PROMPT, extract_answer
from ..data.trl_views import user_turn

logger = logging.getLogger(__name__)


def manifest() -> Any:
    """What lmms-eval's registry wants to know of the model "vlaa"."""
    from lmms_eval.models.registry_v2 import ModelManifest  # pyrefly: ignore[missing-import]

    return ModelManifest("vlaa", simple_class_path=f"{__name__}.VlaaPolicy")


def __getattr__(name: str) -> type:
    """`VlaaPolicy`, made when lmms-eval asks for it: its base class is lmms-eval's."""
    if name != "VlaaPolicy":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _policy_class()


@functools.cache
def _policy_class() -> type:
    from lmms_eval.api.model import lmms  # pyrefly: ignore[missing-import]

    return type("VlaaPolicy", (PolicyAnswers, lmms), {"__doc__": PolicyAnswers.__doc__})


class PolicyAnswers:
    """Answers lmms-eval's requests with a policy, decoding greedily.

    Args:
        profile: "auto", "mini", "t4", "l4" or "a100" (`get_profile`).
        adapter: a saved adapter; None asks the base.
        model: another base than the profile's: a folder or hub id.
        load_in_4bit: False loads the base in the profile's precision, True in 4 bits; None as the profile says.
        prompt: "ours" puts our system prompt before the task's words. "own" leaves them as they are.
        whole_response: False hands the task what stands in the answer tags, which is what its rules compare; a response
            without a readable answer goes as it is. True always hands over all of it.
        max_new_tokens: None takes the larger of the task's limit and the profile's completion length, since tasks that
            want a letter allow 16 tokens, which leaves no room to think; under the "own" prompt the task's.
        batch_size: prompts at once; lmms-eval's `--batch_size`.
        device, max_batch_size: lmms-eval passes them; the profile says where the model goes.
    """

    is_simple = True

    def __init__(
        self,
        profile: str = "auto",
        adapter: str | None = None,
        model: str | None = None,
        load_in_4bit: bool | None = None,
        prompt: str = "ours",
        whole_response: bool = False,
        max_new_tokens: int | None = None,
        batch_size: int | str = 1,
        device: str | None = None,
        max_batch_size: int | None = None,
    ):
        from ..policy.loading import load_policy
        from ..policy.profiles import get_profile

        if prompt not in ("ours", "own"):
            raise ValueError(f'prompt is "ours" or "own", got {prompt!r}')
        super().__init__()
        chosen = get_profile(profile)
        in_4_bits = chosen.load_in_4bit if load_in_4bit is None else load_in_4bit
        self.profile = chosen.replace(model=model or chosen.model, load_in_4bit=in_4_bits)
        self.policy, self.processor = load_policy(self.profile, adapter=adapter, trainable=False)
        self.policy.eval()
        self.prompt, self.whole_response, self.max_new_tokens = prompt, whole_response, max_new_tokens
        self.batch_size = int(batch_size)

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """What the policy says to each request, in their order.

        A request's `args` are (words, generation settings, doc_to_visual, row, task, split). Of the settings the length
        limit is taken; sampling and stop words are not.
        """
        from tqdm.auto import tqdm

        answers = []
        for first in tqdm(range(0, len(requests), self.batch_size), unit="batch", desc="vlaa"):
            batch = [request.args for request in requests[first : first + self.batch_size]]
            answers += self._answer(batch)
        return answers

    def _answer(self, batch: Sequence[tuple]) -> list[str]:
        import torch

        from ..policy.generation import SamplingParams, generate_responses

        if any(settings.get("temperature") or settings.get("do_sample") for _, settings, *_ in batch):
            _say_once("the task asks for sampling; vlaa decodes greedily")
        images = [self._images(*args[2:]) for args in batch]
        prompts = [self._prompt(args[0], len(shown)) for args, shown in zip(batch, images, strict=True)]
        limit = max(self._limit(settings) for _, settings, *_ in batch)
        with torch.no_grad():
            said = generate_responses(
                self.policy, self.processor, prompts, images, SamplingParams(max_new_tokens=limit)
            )
        texts = [text if self.whole_response else extract_answer(text) or text for text, _, _ in said]
        for (words, settings, *_), text in zip(batch, texts, strict=True):
            self.cache_hook.add_partial("generate_until", (words, settings), text)
        return texts

    def _images(self, to_visual: Any, row: int, task: str, split: str) -> list[Any]:
        shown = to_visual(self.task_dict[task][split][row]) or []
        if odd := [type(image).__name__ for image in shown if not hasattr(image, "convert")]:
            raise ValueError(f"task {task} shows {', '.join(odd)}; vlaa takes images alone: leave the task out")
        return list(shown)

    def _prompt(self, words: str, images: int) -> list[dict]:
        turn = user_turn(words, has_image=False)
        turn["content"][:0] = [{"type": "image", "text": None}] * images
        system = [{"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]}]
        return [*(system if self.prompt == "ours" else []), turn]

    def _limit(self, settings: dict) -> int:
        asked = settings.get("max_new_tokens") or self.profile.max_completion_length
        longest = max(asked, self.profile.max_completion_length) if self.prompt == "ours" else asked
        return self.max_new_tokens or longest

    def loglikelihood(self, requests: Sequence[Any]) -> list:
        raise NotImplementedError("vlaa generates text; take tasks of output_type generate_until")

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
        raise NotImplementedError("vlaa answers once; take tasks of output_type generate_until")


@functools.cache
def _say_once(message: str) -> None:
    logger.warning(message)
