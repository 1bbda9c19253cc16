"""GRPO on one screen: sample, reward, advantage, loss, step. To read beside chapter 4; `train_grpo` is for training.

Plain torch and `generate`. It leaves out what `train_grpo` has: checkpoints, logs, learning-rate schedules, several
devices or passes, and all that saves time (a prompt is read again for each of its completions, padding is computed).
What it keeps is exact: on the same completions and rewards, loss and gradient are those of TRL's `GRPOTrainer`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import pad
from transformers import LogitsProcessorList

from ..data.trl_views import to_grpo
from ..policy.decode_loop import FiniteScores
from ..policy.generation import chat_inputs, unbent
from .grpo_loss_reference import group_advantages, grpo_loss, kl_estimates

if TYPE_CHECKING:
    from datasets import Dataset


def train_grpo_minimal(
    model: Any,
    processor: Any,
    records: "Dataset",
    reward: Callable[..., list[float]],
    *,
    steps: int,
    prompts: int = 8,
    generations: int = 8,
    max_new_tokens: int = 64,
    temperature: float = 1.0,
    learning_rate: float = 1e-3,
    beta: float = 0.0,
    loss_type: str = "dapo",
    seed: int = 0,
) -> list[dict[str, float]]:
    """Train a policy by GRPO (arXiv 2402.03300 §4.1), in place, in as few lines as it takes.

    Args:
        model, processor: as `load_policy` returns them; the adapters train.
        records: prompts; all with an image or all without.
        reward: a TRL reward function, such as `MixedReward()`; a number for each completion.
        prompts, generations: a step has `prompts` groups of `generations` completions.
        max_new_tokens: of a completion.
        beta: KL coefficient; the reference is the policy as it is now.
        loss_type: as in `grpo_loss`.

    Returns:
        A row a step: `step`, `reward` (mean), `loss`, `kl` (mean k3, nats a token; 0 where `beta` is 0), `grad_norm`
        (before it is clipped to 1) and `tokens` (mean length of a completion).
    """
    torch.manual_seed(seed)
    adapters = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    reference = {name: weight.detach().clone() for name, weight in adapters.items()}
    optimizer = torch.optim.AdamW(adapters.values(), lr=learning_rate, weight_decay=0.0)
    view, log = to_grpo(records), []
    for step in range(1, steps + 1):
        # sample
        picked = torch.randperm(len(view))[:prompts].repeat_interleave(generations)
        columns = view[picked.tolist()]
        inputs = chat_inputs(model, processor, columns["prompt"], columns["images"])
        ids, mask = sample(model, processor, inputs, max_new_tokens, temperature)  # (completions, tokens)
        # reward, advantage
        texts = processor.tokenizer.batch_decode(
            [row[kept].tolist() for row, kept in zip(ids, mask.bool(), strict=True)], skip_special_tokens=True
        )
        completions = [[{"role": "assistant", "content": text}] for text in texts]
        rewards = torch.tensor(reward(prompts=columns.pop("prompt"), completions=completions, **columns))
        advantages = group_advantages(rewards.view(-1, generations)).flatten().to(ids.device)  # (completions,)
        # loss: the policy has not moved since it sampled, so its old log-probabilities are those of now
        logps = token_logps(model, {}, inputs, ids, mask, temperature)  # (completions, tokens)
        with torch.no_grad():
            ref_logps = token_logps(model, reference, inputs, ids, mask, temperature) if beta else logps
        settings = {"beta": beta, "loss_type": loss_type, "max_completion_length": max_new_tokens}
        loss = grpo_loss(logps, logps.detach(), ref_logps, mask, advantages, **settings)
        # step
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(adapters.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        kl = (kl_estimates(logps, ref_logps)["k3"] * mask).sum() / mask.sum()
        found = (rewards.mean(), loss, kl, grad_norm, mask.sum() / len(mask))
        numbers = zip(("reward", "loss", "kl", "grad_norm", "tokens"), (value.item() for value in found), strict=True)
        log.append({"step": step, **dict(numbers)})
    return log


def sample(model: Any, processor: Any, inputs: Any, max_new_tokens: int, temperature: float) -> tuple[Tensor, Tensor]:
    """A completion of each prompt: its tokens, and a mask up to its end token; both of shape (completions, tokens)."""
    with torch.no_grad():
        whole = model.generate(
            **inputs, do_sample=True, temperature=temperature, top_k=0, top_p=1.0, max_new_tokens=max_new_tokens,
            logits_processor=LogitsProcessorList([FiniteScores()]), **unbent(processor),
        )  # fmt: skip
    ids = whole[:, inputs["input_ids"].shape[1] :]
    ends = torch.isin(ids, torch.tensor(model.generation_config.eos_token_id, device=ids.device)).long()
    return ids, (ends.cumsum(dim=1) - ends == 0).long()


def token_logps(
    model: Any, weights: dict[str, Tensor], inputs: Any, ids: Tensor, mask: Tensor, temperature: float
) -> Tensor:
    """Log-probability of each token of `ids` after the prompts in `inputs`, with `weights` in place of the model's."""
    whole = dict(inputs)
    whole["input_ids"] = torch.cat([inputs["input_ids"], ids], dim=1)  # (completions, prompt + tokens)
    whole["attention_mask"] = torch.cat([inputs["attention_mask"], mask], dim=1)
    if "mm_token_type_ids" in inputs:  # 1 where an image is
        whole["mm_token_type_ids"] = pad(inputs["mm_token_type_ids"], (0, ids.shape[1]))
    whole["logits_to_keep"] = ids.shape[1] + 1
    logits = functional_call(model, weights, (), whole).logits[:, :-1].float() / temperature
    return logits.log_softmax(dim=-1).gather(2, ids[..., None]).squeeze(2)  # (completions, tokens)
