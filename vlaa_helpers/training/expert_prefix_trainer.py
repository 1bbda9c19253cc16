"""GRPO whose completions may go on from the beginning of an expert's trace: TRAPO (arXiv 2512.17636).

A hint is a part of the completion that the policy did not write. The prompt, images and all, is still read once for
its group; a hint follows it, and what the policy adds follows the hint. TRL keeps the loss of GRPO away from tokens
that a policy did not write (its `tool_mask`, made for the answers of tools); here such tokens get a loss of their own.

What is not known of TRAPO, and ours: a hint ends at the nearest whole number of tokens (the released code goes on to
the end of a paragraph); a whole trace as a hint lacks its end token, which the policy has to write; the hint and what
follows it have at most `max_completion_length` tokens together. As in the released code, the hint of a micro-group is
learned once, by its first row, and not once a generation.
"""

from collections import defaultdict
from copy import copy
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..data.trl_views import EXPERT
from ..policy.prefix_cache import Prefix, generate_from
from ..rewards.mixed import MixedReward, earned_right
from .hints import Hints, hint_schedule
from .shared_prefix_trainer import SharedPrefixGRPOTrainer
from .weigh_tokens import token_weights

LOSS_TYPES = ("dapo", "dr_grpo")
"""Those that divide by the tokens of a step or by a constant, which the expert's tokens can share."""


class ExpertPrefixGRPOTrainer(SharedPrefixGRPOTrainer):
    """`SharedPrefixGRPOTrainer`, with columns `id` and `expert_trace` in its data and groups that
    `Hints` describe.

    `train_grpo(…, hints=Hints())` makes one. The loss is GRPO's over the policy's own tokens plus Σ -weight · log p
    over the expert's, both over one divisor: all of these tokens in the step ("dapo"), or completions times
    `max_completion_length` ("dr_grpo", TRAPO's). Probabilities are at the temperature of the rollouts, which TRAPO has
    at 1. Without hints, losses and gradients are `SharedPrefixGRPOTrainer`'s. Evaluations have no hints. Where
    `mask_truncated_completions` leaves a completion out of GRPO's loss, its hint is learned all the same.

    Reward functions judge whole completions, hint included, and are given `hint`, the share of the trace that each
    went on from. All but the last micro-group are judged twice, since what comes next depends on them. The returns that
    decide on hints are 1 for right and 0 for wrong, as TRAPO's are, where one of the reward functions is a
    `MixedReward`, which tells it by its verifiers (what an open-ended answer earns is far below 1 even if it is right);
    else they are the weighted sum of the rewards, which should be 0 to 1.

    Each log holds `hints/share`, of completions that went on from a hint; `hints/share_0.2`, the same of the
    micro-group with that length; `hints/return_0`, `hints/return_0.2`, …, the mean return of completions by the length
    of their hint, as far as there were such; and of the expert's tokens `hints/nll`, the mean negative
    log-likelihood, and `hints/weight`, the mean weight.

    Raises:
        ValueError: another loss type; `num_generations` that are not those of the micro-groups; traces that leave no
            room for a token of the policy, or that hold an end token.
    """

    def __init__(self, *args: Any, hints: Hints, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.hints = hints
        if self.loss_type not in LOSS_TYPES:
            raise ValueError(
                f"hints with loss_type={self.loss_type!r}; expected {' or '.join(LOSS_TYPES)}, whose divisor the "
                "expert's tokens can share: train_grpo(…, recipe='dr_grpo') is the one of TRAPO"
            )
        if self.num_generations != hints.generations:
            sizes = " + ".join(str(each.size) for each in hints.micro_groups)
            raise ValueError(
                f"num_generations={self.num_generations}, and micro-groups of {sizes}; leave num_generations out, or "
                f"give Hints(micro_groups=…) whose sizes add up to it"
            )
        self._check_traces()
        self._judges = list(self.reward_funcs)  # as they are before callbacks listen to them
        mixed = [place for place, each in enumerate(self._judges) if isinstance(each, MixedReward)]
        self._tells_right = mixed[0] if len(mixed) == 1 else None
        # of the generation batch at hand, once a row: the record, the messages that ask it, the share of its trace that
        # it goes on from, and the tokens of that
        self._records: list[dict] = []
        self._asked: list = []
        self._lengths: list[float] = []
        self._hints: list[list[int]] = []
        self._scored: tuple[Tensor, Tensor | None, Any] | None = None  # log-probabilities and entropies of a pass
        self._sums = torch.zeros(3, device=self.accelerator.device)  # expert tokens since the last log: n, nll, weights

    def _check_traces(self) -> None:
        share, most = max(each.length for each in self.hints.micro_groups), self.max_completion_length
        longest = {}  # tokens of the longest hint of each record
        for row in self.train_dataset.select_columns(["id", EXPERT]):
            trace = self._tokens_of(row[EXPERT])
            longest[row["id"]] = round(share * len(trace))
            if found := set(trace) & set(self.eos_token_ids):
                raise ValueError(
                    f"record {row['id']}: its trace holds the end token {min(found)}; take it out, the policy writes it"
                )
        long = [name for name, tokens in longest.items() if tokens >= most]
        if long:
            raise ValueError(
                f"{len(long)} of {len(longest)} records ({', '.join(long[:3])}{', …' if len(long) > 3 else ''}) have "
                f"hints of up to {max(longest.values())} tokens, and max_completion_length={most} leaves the policy "
                f"none; set max_completion_length={max(longest.values()) + 1} or more, or leave such records out"
            )

    def _tokens_of(self, text: str) -> list[int]:
        tokenizer: Any = getattr(self.processing_class, "tokenizer", self.processing_class)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    # ---- rollouts ----

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._records = inputs
        output = super()._generate_and_score_completions(inputs)
        if not self.model.training:
            return output
        sizes = [each.size for each in self.hints.micro_groups]
        first = set(accumulate([0, *sizes[:-1]]))
        learned = torch.tensor([k % self.num_generations in first for k in range(len(inputs))])
        if self.mask_truncated_completions:  # TRL has then masked the hints of such rows too
            places = torch.arange(output["tool_mask"].shape[1])
            hinted = (places < torch.tensor(list(map(len, self._hints)))[:, None]).to(output["tool_mask"])
            output["completion_mask"] = output["completion_mask"] | hinted
            output["tool_mask"] = output["tool_mask"] * (1 - hinted)
        hinted = output["completion_mask"] * (1 - output["tool_mask"])  # (rows, tokens)
        mask = hinted * learned.to(hinted.device)[:, None]
        tokens = self.accelerator.gather(mask.sum()).sum()
        return output | {"expert_mask": mask, "num_items_in_batch": output["num_items_in_batch"] + tokens}

    def _generate(self, prompts: list) -> tuple:
        self._asked = prompts
        ids, completion_ids, tool_mask, completions, logps, extra, images, tool_images = super()._generate(prompts)
        if self.model.training:
            pairs = zip(self._hints, completion_ids, strict=True)
            tool_mask = [[0] * len(hint) + [1] * (len(whole) - len(hint)) for hint, whole in pairs]
            extra = extra | {"hint": self._lengths}
        return ids, completion_ids, tool_mask, completions, logps, extra, images, tool_images

    def _sample(self, model: Any, prefix: Prefix, generation_config: Any) -> Tensor:
        if not self.model.training:
            return super()._sample(model, prefix, generation_config)
        size, groups = self.num_generations, len(self._counts)
        if set(self._counts) != {size}:
            raise ValueError(
                f"a group lies across two processes, {min(self._counts)} of its {size} generations on one; hints need "
                f"whole groups: completions of a process in a step must be a multiple of {size}"
            )
        traces = [self._tokens_of(record[EXPERT]) for record in self._records[::size]]
        self._lengths, self._hints = [0.0] * len(self._records), [[] for _ in self._records]
        written: dict[int, list[int]] = {}  # completion of each row
        returns: list[list[float]] = [[] for _ in range(groups)]
        done = 0
        for stage in self.hints.stages:
            rows = [group * size + done + k for group in range(groups) for k in range(stage.size)]
            for row in rows:
                trace, found = traces[row // size], returns[row // size]
                self._lengths[row] = hint_schedule(found, self.hints.stages)
                self._hints[row] = trace[: round(self._lengths[row] * len(trace))]
            completions = self._go_on(model, prefix, stage.size, rows, generation_config)
            written |= zip(rows, completions, strict=True)
            done += stage.size
            if done < size:
                for row, value in zip(rows, self._returns(rows, completions), strict=True):
                    returns[row // size].append(value)
        tensors = [torch.tensor(written[row]) for row in range(len(written))]
        whole = pad_sequence(tensors, True, generation_config.pad_token_id).to(prefix.ids.device)  # (rows, tokens)
        return torch.cat([prefix.ids.repeat_interleave(size, 0), whole], dim=1)

    def _go_on(self, model: Any, prefix: Prefix, size: int, rows: list[int], generation_config: Any) -> list[list[int]]:
        """Completions of these rows, `size` a group: the hint of each and what the policy adds."""
        hints = [torch.tensor(self._hints[row], dtype=torch.long) for row in rows]
        ids = pad_sequence(hints, True, padding_side="left").to(prefix.ids.device)  # (rows, tokens of the longest)
        mask = pad_sequence([torch.ones_like(hint) for hint in hints], True, padding_side="left").to(ids.device)
        config = copy(generation_config)
        config.max_new_tokens = self.max_completion_length - min(map(len, hints))
        counts = [size] * len(prefix.ids)
        tokens = generate_from(model, prefix, counts, ids, mask, exact_draws=self.exact_draws, generation_config=config)
        added = tokens[:, prefix.ids.shape[1] + ids.shape[1] :].tolist()
        return [self._ended(hint.tolist(), own) for hint, own in zip(hints, added, strict=True)]

    def _ended(self, hint: list[int], own: list[int]) -> list[int]:
        """A hint and what was added to it, up to the end token, and no longer than a completion may be."""
        end = next((k + 1 for k, token in enumerate(own) if token in self.eos_token_ids), len(own))
        return [*hint, *own[:end]][: self.max_completion_length]

    def _returns(self, rows: list[int], completion_ids: list[list[int]]) -> list[float]:
        """What these rows earn, by TRL's own way of asking, unheard by callbacks and metrics."""
        texts = self.processing_class.batch_decode(completion_ids, skip_special_tokens=True)
        completions = [[{"role": "assistant", "content": text}] for text in texts]
        records = [self._records[row] | {"hint": self._lengths[row]} for row in rows]
        kept = self.reward_funcs, self._pending_extra_logs, self._pending_metrics
        self.reward_funcs = self._judges
        self._pending_extra_logs, self._pending_metrics = defaultdict(list), defaultdict(list)
        try:
            asked = [self._asked[row] for row in rows]
            rewards = super()._calculate_rewards(records, asked, completions, completion_ids)  # (all rows, functions)
        finally:
            self.reward_funcs, self._pending_extra_logs, self._pending_metrics = kept
        return self._returns_of(rewards, records)

    def _returns_of(self, rewards: Tensor, records: list[dict]) -> list[float]:
        """What decides on hints, of this process's rows; what could not be scored counts as 0."""
        first = self.accelerator.process_index * len(records)
        rewards = rewards[first : first + len(records)]
        if self._tells_right is None:
            return (rewards * self.reward_weights.to(rewards.device)).nansum(dim=1).tolist()
        values, kinds = rewards[:, self._tells_right].tolist(), [record["verifier_type"] for record in records]
        return [float(earned_right(value, kind)) for value, kind in zip(values, kinds, strict=True)]

    def _calculate_rewards(
        self, inputs: list[dict], prompts: list, completions: list, completion_ids_list: list
    ) -> Tensor:
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.model.training:
            for row, value in enumerate(self._returns_of(rewards, inputs)):
                self._log_metric(f"hints/return_{self._lengths[row]:g}", value)
                self._log_metric("hints/share", float(self._lengths[row] > 0))
            starts = accumulate([0, *(each.size for each in self.hints.micro_groups)])
            for start, each in zip(starts, self.hints.micro_groups, strict=False):
                for length in self._lengths[start :: self.num_generations] if each.length else ():
                    self._log_metric(f"hints/share_{each.length:g}", float(length > 0))
        return rewards

    # ---- passes ----

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None, None]:
        self._scored = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        return self._scored

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        loss = super()._compute_loss(model, inputs)
        scored, self._scored = self._scored, None
        mask = inputs.get("expert_mask")  # (rows, tokens)
        if mask is None or not mask.any():
            return loss
        logps, entropies, _ = scored
        weights = token_weights(self.hints.token_weights, logps, mask, entropies=entropies)
        self._sums += torch.stack([mask.sum(), -(logps.detach() * mask).sum(), weights.sum()])
        return loss - (weights * logps).sum() / self._divisor(inputs)

    def _divisor(self, inputs: dict[str, Any]) -> Tensor | float:
        """By what TRL divides the sum over a pass's tokens."""
        accumulation = self.current_gradient_accumulation_steps
        if self.loss_type == "dr_grpo":
            return len(inputs["completion_ids"]) * self.max_completion_length * accumulation
        share = accumulation / self.args.steps_per_generation / self.accelerator.num_processes
        return inputs["num_items_in_batch"] * share

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if self.model.training:
            tokens, nll, weight = self.accelerator.reduce(self._sums.clone(), reduction="sum").tolist()
            if tokens:
                logs |= {"hints/nll": nll / tokens, "hints/weight": weight / tokens}
            self._sums.zero_()
        super().log(logs, start_time)
