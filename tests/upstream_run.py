"""One short run of TRL's own trainer, which test_upstream.py looks at from all sides."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import transformers
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from vlaa_helpers import load_policy, make_scenes, to_grpo


class Kept(TrainerCallback, transformers.trainer_callback.ExportableState):
    """Is kept in checkpoints, counts what TRL collects after each pass, and adds a metric of its own."""

    def __init__(self):
        self.steps, self.trainer, self.kl_counts = 0, None, defaultdict(list)

    def state(self):
        return {"args": {}, "attributes": {"steps": self.steps}}

    def _count(self, state, value):
        metrics = self.trainer._metrics["train"]
        self.kl_counts[state.global_step - (value == 1)].append((len(metrics["kl"]), len(metrics["canary"])))
        metrics["canary"].append(value)

    def on_substep_end(self, args, state, control, **kwargs):
        self._count(state, 0)

    def on_step_end(self, args, state, control, **kwargs):
        self.steps += 1
        self._count(state, 1)


def noted(patch, owner, name, note):
    """Have `note(result, *arguments, **keywords)` called after each call of a method."""
    original = getattr(owner, name)

    def method(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        note(result, *args, **kwargs)
        return result

    patch.setattr(owner, name, method)


def short_run(tiny_profile, folder):
    """Two steps of two passes, two prompts of two completions each, with a reference; and what was seen of them."""
    model, processor = load_policy(tiny_profile)
    seen = SimpleNamespace(
        processor=processor, folder=folder, processor_calls=[], generate_calls=[], rewards=[], told=0, made=0,
        sampled=0, passes=0, fresh=lambda: load_policy(tiny_profile)[0].get_base_model(),
    )  # fmt: skip

    def reward(completions, **columns):
        seen.reward_columns = {"completions", *columns}
        return [float(k) for k in range(len(completions))]

    args = GRPOConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", disable_tqdm=True, max_steps=2, beta=0.1,
        num_generations=2, per_device_train_batch_size=2, gradient_accumulation_steps=2, max_completion_length=4,
        logging_steps=1, save_steps=1,
    )  # fmt: skip
    kept = Kept()
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=args, train_dataset=to_grpo(make_scenes(4)), processing_class=processor,
        callbacks=[kept],
    )  # fmt: skip
    kept.trainer = trainer

    def told_again(**given):
        seen.told += len(given["completions"]) // 2
        return reward(**given)

    trainer.reward_funcs = [told_again]

    def made(found, *_):
        seen.batch, seen.made = found, seen.made + 1

    with pytest.MonkeyPatch.context() as patch:
        noted(patch, GRPOTrainer, "_generate_and_score_completions", made)
        noted(patch, GRPOTrainer, "_tokenize_prompts", lambda found, *_: vars(seen).update(tokenized=found))
        noted(patch, GRPOTrainer, "_generate_single_turn", lambda found, *_, **__: vars(seen).update(generated=found))
        noted(
            patch, GRPOTrainer, "_generate",
            lambda found, *_: vars(seen).update(sampled=seen.sampled + 1, rollouts=found),
        )  # fmt: skip
        noted(patch, GRPOTrainer, "_calculate_rewards", lambda found, *_: seen.rewards.append(found))
        noted(patch, GRPOTrainer, "_compute_loss", lambda *_: vars(seen).update(passes=seen.passes + 1))
        noted(
            patch, GRPOTrainer, "_get_per_token_logps_and_entropies",
            lambda found, *_, **__: vars(seen).update(log_probs=found),
        )  # fmt: skip
        noted(
            patch,
            type(model.get_base_model()),
            "generate",
            lambda _, **given: vars(seen).update(generate_calls=[given]),
        )
        noted(patch, type(processor), "__call__", lambda _, **given: vars(seen).update(processor_calls=[given]))
        trainer.train()
    seen.trainer, seen.whole, seen.kl_counts = trainer, trainer.model.get_base_model(), kept.kl_counts
    return seen
