"""TRL's `SFTTrainer` with a weight on the loss of each token."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from trl import SFTConfig, SFTTrainer

from ..data.trl_views import BEHAVIOUR
from .behaviour_logps import collate_with_behaviour, without_scores
from .weigh_tokens import check_method, weighting_function
from .weigh_tokens import token_weights as weights_of
from .weight_registry import reads

if TYPE_CHECKING:
    from datasets import Dataset


def check_weighting(method: str | Callable[..., Tensor], records: "Dataset") -> None:
    """Refuse a weighting that cannot work with these records, before anything is trained.

    Raises:
        ValueError: an unknown name, a setting out of range, or a method that reads behaviour log-probabilities (with a
            default too, for a batch has them of all its rows or of none), of records of which some have none.
        TypeError: a setting that the method does not have, or a function that cannot be called as a weighting.
    """
    function, _ = weighting_function(method)
    there = BEHAVIOUR in records.column_names
    if reads(function, "behaviour_logps", without_fail=True):
        if not there:
            raise ValueError(
                f"token_weights={method!r} reads how likely the policy that wrote the responses was to write them, and "
                f"the records have no column {BEHAVIOUR!r}: "
                "records = add_behaviour_logps(behaviour_model, processor, records)"
            )
    if there and reads(function, "behaviour_logps") and (without := without_scores(records)):
        raise ValueError(
            f"{len(without)} of {len(records)} records have nothing in the column {BEHAVIOUR!r}, such as "
            f"{without[0]}: score the records of each writer with add_behaviour_logps, and put them together then"
        )
    check_method(method, behaviour=there)


class WeightedSFTTrainer(SFTTrainer):
    """Trains on Σ -weight · log p over the response tokens of a step, divided by how many tokens the step has.

    The weights are constants in the loss (`token_weights`). The division is TRL's own, by all response tokens, those of
    weight 0 included, so that it does not matter how a step is cut into micro batches. Evaluation is not weighted:
    `eval_loss` is the mean negative log-likelihood, and compares arms with different weights.

    Each log holds, over the response tokens since the last one: `nll`, the mean negative log-likelihood; `weight`, the
    mean weight; `weight_ess`, the effective sample size (Σw)² / Σw² as a share of the tokens, 0-1 (1: all alike).

    Args:
        model, args, **kwargs: of `SFTTrainer`.
        token_weights: a method's name, or a function as `TokenWeighting` describes it.

    Raises:
        ValueError: settings of TRL's that weigh tokens in another way: another `loss_type`, label smoothing.
    """

    def __init__(
        self, model: Any, args: SFTConfig, *, token_weights: str | Callable[..., Tensor], **kwargs: Any
    ) -> None:
        if args.loss_type != "nll" or args.label_smoothing_factor:
            raise ValueError(
                f"token_weights weighs TRL's plain loss, and there are loss_type={args.loss_type!r} and "
                f"label_smoothing_factor={args.label_smoothing_factor}; leave them out (token_weights='dft' equals "
                "loss_type='dft')"
            )
        super().__init__(model, args, **kwargs)
        self.token_weights = token_weights
        self.data_collator = partial(collate_with_behaviour, self.data_collator)
        self.sums = torch.zeros(4, device=self.accelerator.device)  # tokens, nll, weights, their squares

    def compute_loss(
        self, model: Any, inputs: dict, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        behaviour_logps = inputs.pop("behaviour_logps", None)

        def weighted(**arguments: Any) -> Any:
            outputs = model(**arguments)
            if self.model.training and arguments.get("fused_lm_head"):
                outputs.log_probs = outputs.log_probs * self._weights(outputs, behaviour_logps)
            return outputs

        return super().compute_loss(weighted, inputs, return_outputs, num_items_in_batch)

    def _weights(self, outputs: Any, behaviour_logps: Tensor | None) -> Tensor:
        logps, mask = outputs.log_probs.detach(), outputs.label_mask  # (rows, tokens - 1)
        weights = weights_of(
            self.token_weights, logps, mask, behaviour_logps=behaviour_logps, entropies=outputs.entropy
        )
        seen = torch.stack([mask.sum(), -logps.sum(), weights.sum(), weights.square().sum()])
        self.sums += seen
        return weights

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if self.model.training:
            tokens, nll, weight, square = self.accelerator.reduce(self.sums.clone(), reduction="sum").tolist()
            if tokens:
                logs |= {"nll": nll / tokens, "weight": weight / tokens}
                logs["weight_ess"] = weight**2 / (square * tokens) if square else 0.0
            self.sums.zero_()
        super().log(logs, start_time)
