"""TRAPO in one trainer: without hints it is our GRPO, the expert's tokens get the loss of weighted SFT, no more."""

import math
import re
from collections import defaultdict

import pytest
import torch

from vlaa_helpers import (
    ExpertPrefixGRPOTrainer,
    Hints,
    MixedReward,
    RolloutLog,
    hint_schedule,
    load_policy,
    load_rollouts,
    make_scenes,
    to_grpo,
    token_weights,
    train_grpo,
    train_sft,
)
from vlaa_helpers.data.trl_views import EXPERT

NOTES = ("a list: one, two, three and four", "none of them is red")
HINTS = Hints(((2, 0.0, -1.0), (2, 0.3, 0.5), (1, 0.6, 0.7), (1, 1.0, 0.9)))
LONGEST = 64
"""Tokens of a completion."""


def responses(number):
    return [f"<think>\n{NOTES[k]}\n</think>\n<answer>{k}</answer>" for k in range(number)]


@pytest.fixture(scope="module")
def records():
    """Two records with images, and traces of two lengths."""
    found = make_scenes(2, sources="blocks")
    return found.remove_columns("response").add_column("response", responses(2)).select_columns(found.column_names)


def by_question(id, completions, **_):  # noqa: A002
    """The first questions of a batch are easy, the others are never solved; own text decides a little."""
    easy = {name for name in id if int(name.rsplit("-", 1)[-1]) % 2}
    texts = [completion[0]["content"] for completion in completions]
    return [float(name in easy) - 0.01 * (len(text) % 7) for name, text in zip(id, texts, strict=True)]


class Step:
    """One step of `train_grpo`: its log, its gradients, and what its passes were given."""

    def __init__(self, profile, records, folder, *, cut=12, noise=0.05, reward=by_question, **settings):
        model, processor = load_policy(profile)
        adapters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        for k, parameter in enumerate(adapters.values()):  # they start at zero, where half of the gradients are 0
            parameter.data += noise * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
        self.gradients, self.passes = defaultdict(lambda: torch.zeros(())), []
        for name, parameter in adapters.items():
            parameter.register_hook(lambda grad, name=name: self._add(name, grad))
        settings = {"recipe": "dr_grpo", "max_completion_length": LONGEST, "max_steps": 1, **settings}
        with pytest.MonkeyPatch.context() as patch:
            loss = ExpertPrefixGRPOTrainer._compute_loss
            patch.setattr(
                ExpertPrefixGRPOTrainer,
                "_compute_loss",
                lambda trainer, model, inputs: self.passes.append(inputs) or loss(trainer, model, inputs),
            )
            self.trainer = train_grpo(
                model, processor, records, profile.replace(micro_batch_size=cut), reward_funcs=reward,
                output_dir=str(folder), **settings,
            )  # fmt: skip
        self.log = self.trainer.state.log_history[0]

    def _add(self, name, gradient):
        self.gradients[name] = self.gradients[name] + gradient


@pytest.fixture(scope="module")
def step(tiny_profile, records, tmp_path_factory):
    def run(hints=HINTS, records=records, **settings):
        return Step(tiny_profile, records, tmp_path_factory.mktemp("run"), hints=hints, **settings)

    return run


@pytest.fixture(scope="module")
def whole(step):
    return step()


def assert_same_gradients(one, other, scale=1.0, tolerance=1e-5):
    assert one.keys() == other.keys()
    largest = max(float(gradient.abs().max()) for gradient in other.values())
    assert largest > 0
    for name, gradient in one.items():
        torch.testing.assert_close(gradient * scale, other[name], rtol=1e-3, atol=tolerance * largest)


# ---- what it is equal to ----


@pytest.mark.parametrize("settings", [{}, {"loss_type": "dapo", "beta": 0.1, "cut": 3}])
def test_without_hints_it_is_our_grpo(step, settings):
    """The same completions, log and gradients, whatever the sizes of its micro-groups."""
    plain = step(None, num_generations=6, **settings)
    ours = step(Hints([(4, 0.0, -1.0), (2, 0.0, 9.0)]), **settings)
    assert isinstance(ours.trainer, ExpertPrefixGRPOTrainer) and not isinstance(plain.trainer, ExpertPrefixGRPOTrainer)
    assert list(ours.trainer._logs["completion"]) == list(plain.trainer._logs["completion"])
    assert not any(one["expert_mask"].any() for one in ours.passes)
    kept = {name: value for name, value in ours.log.items() if not name.startswith("hints/")}
    assert kept.keys() == plain.log.keys()
    timed = {name for name in kept if "time" in name}
    assert {name: kept[name] for name in kept.keys() - timed} == pytest.approx(
        {name: plain.log[name] for name in kept.keys() - timed}, rel=1e-6
    )
    assert_same_gradients(ours.gradients, plain.gradients, tolerance=1e-7)


@pytest.mark.parametrize("loss_type", ["dapo", "dr_grpo"])
@pytest.mark.parametrize("method", ["trsft", "sft"])
def test_the_experts_tokens_get_the_loss_of_weighted_sft(tiny_profile, records, step, tmp_path, method, loss_type):
    """Where all completions earn the same, GRPO has nothing to say, and what is left is `train_sft`'s on the traces."""
    whole_traces = Hints([(3, 1.0, 2.0)], token_weights=method)
    ours = step(whole_traces, reward=lambda completions, **_: [1.0] * len(completions), loss_type=loss_type)
    (inputs,) = ours.passes
    divisor = {"dapo": int(inputs["num_items_in_batch"]), "dr_grpo": 6 * LONGEST}[loss_type]
    seen = {}

    def without_ends(logps, mask):  # the last two tokens of a response end it, and the policy has to write them
        last = mask.long().flip(1).cumsum(1).flip(1) <= 2
        weights = token_weights(method, logps, mask) * ~last
        seen.update(tokens=int(mask.sum()), learned=int((mask & ~last).sum()), weights=weights.sum().item())
        return weights

    model, processor = load_policy(tiny_profile)
    gradients = {}
    adapters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    for k, (name, parameter) in enumerate(adapters.items()):
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
        parameter.register_hook(lambda grad, name=name: gradients.update({name: grad}))
    sft = train_sft(
        model, processor, records, tiny_profile, batch_size=2, max_steps=1, token_weights=without_ends,
        output_dir=str(tmp_path),
    )  # fmt: skip
    assert int(inputs["expert_mask"].sum()) == seen["learned"] > 10
    assert ours.log["hints/weight"] == pytest.approx(seen["weights"] / seen["learned"], rel=1e-4)
    loss = sft.state.log_history[0]["loss"] * seen["tokens"] / divisor
    assert ours.log["loss"] == pytest.approx(loss, rel=1e-4, abs=1e-4)
    assert_same_gradients(ours.gradients, gradients, scale=divisor / seen["tokens"])


@pytest.mark.parametrize("loss_type", ["dapo", "dr_grpo"])
def test_the_loss_is_that_of_the_formula(step, loss_type):
    """Σ -A·ratio over own tokens and Σ -weight · log p over the expert's, once a micro-group, over one divisor."""
    run = step(loss_type=loss_type)
    (inputs,) = run.passes
    trainer, mask, own = run.trainer, inputs["completion_mask"], inputs["tool_mask"]
    hinted = (1 - own) * mask
    assert inputs["completion_ids"].shape == (12, LONGEST) and 0 < hinted.sum() < mask.sum()
    learned = torch.tensor([True, False, True, False, True, True] * 2)  # the first of each micro-group
    expert = hinted * learned[:, None]
    assert (expert == inputs["expert_mask"]).all() and expert.sum() < hinted.sum()
    trainer._counts, trainer._goes_on = inputs["counts"], False
    logps, _, _ = trainer._get_per_token_logps_and_entropies(
        trainer.model,
        torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1),
        torch.cat([inputs["prompt_mask"], mask], dim=1),
        LONGEST,
        **{name: inputs[name] for name in ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")},
    )
    advantages = inputs["advantages"][:, None]
    p = logps.detach().exp()
    divisor = 12 * LONGEST if loss_type == "dr_grpo" else ((own * mask) + expert).sum()
    reinforced = -((logps - logps.detach()).exp() * advantages * own * mask).sum()
    imitated = -((p / 0.1).clamp(max=1) * logps * expert).sum()
    expected = (reinforced + imitated) / divisor
    trainer.current_gradient_accumulation_steps = 1
    loss = trainer._compute_loss(trainer.model, inputs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5) and imitated > 0
    adapters = {name: parameter for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
    found, expected = (torch.autograd.grad(value, list(adapters.values())) for value in (loss, expected))
    assert_same_gradients(dict(zip(adapters, found, strict=True)), dict(zip(adapters, expected, strict=True)))


def test_the_hint_of_a_truncated_completion_is_learned_all_the_same(step):
    """DAPO leaves truncated completions out of its loss; the expert's words before them are as good as any."""
    kept, masked = step(loss_type="dapo"), step(loss_type="dapo", mask_truncated_completions=True)
    (one,), (other,) = kept.passes, masked.passes
    assert torch.equal(one["completion_ids"], other["completion_ids"])
    last = one["completion_ids"].gather(1, one["completion_mask"].sum(dim=1, keepdim=True) - 1)[:, 0]
    truncated = ~torch.isin(last, torch.tensor(kept.trainer.eos_token_ids))
    assert (truncated & one["expert_mask"].any(dim=1)).any()
    assert torch.equal(one["expert_mask"], other["expert_mask"])
    own = one["completion_mask"] * one["tool_mask"] * ~truncated[:, None]
    assert torch.equal(other["completion_mask"] * other["tool_mask"], own)
    assert other["num_items_in_batch"] == own.sum() + one["expert_mask"].sum()
    for name in ("hints/nll", "hints/weight"):
        assert masked.log[name] == pytest.approx(kept.log[name], rel=1e-4)


@pytest.mark.parametrize("loss_type", ["dapo", "dr_grpo"])
def test_how_a_step_is_cut_changes_nothing(step, loss_type):
    """Also where a micro-group, a group, or the row that learns a hint stand in different passes."""
    one = step(loss_type=loss_type)
    assert one.log["hints/nll"] > 0 and {0.0, 0.3} < set(one.trainer._lengths)
    for cut in (4, 1):
        other = step(loss_type=loss_type, cut=cut)
        assert len(other.passes) == 12 // cut
        assert list(other.trainer._logs["completion"]) == list(one.trainer._logs["completion"])
        assert other.log["loss"] == pytest.approx(one.log["loss"], rel=1e-4, abs=1e-6)
        for name in ("grad_norm", "hints/nll", "hints/weight", "hints/share", "hints/return_0"):
            assert other.log[name] == pytest.approx(one.log[name], rel=1e-4), name
        assert_same_gradients(other.gradients, one.gradients)


def test_padding_changes_nothing(whole):
    (inputs,) = whole.passes
    trainer = whole.trainer
    trainer.current_gradient_accumulation_steps = 1
    wide = dict(inputs)
    for name, value in (("completion_ids", 5), ("completion_mask", 0), ("tool_mask", 1), ("expert_mask", 0)):
        wide[name] = torch.nn.functional.pad(inputs[name], (0, 7), value=value)
    wide["mm_token_type_ids"] = torch.nn.functional.pad(inputs["mm_token_type_ids"], (0, 7))
    for name in ("prompt_ids", "prompt_mask"):
        wide[name] = torch.nn.functional.pad(inputs[name], (3, 0))
    wide["mm_token_type_ids"] = torch.nn.functional.pad(wide["mm_token_type_ids"], (3, 0))
    losses = [trainer._compute_loss(trainer.model, each).item() for each in (inputs, wide)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4, abs=1e-7) and losses[0] != 0


# ---- rollouts ----


def test_completions_go_on_from_the_beginnings_of_traces(whole):
    (inputs,) = whole.passes
    trainer = whole.trainer
    tokenizer = trainer.processing_class.tokenizer
    rows = {}
    for k, record in enumerate(trainer._records):
        trace = tokenizer(record[EXPERT])["input_ids"]
        rows.setdefault(record["id"], []).append((trainer._lengths[k], trainer._hints[k], trace))
    assert sorted({length for group in rows.values() for length, _, _ in group}) == [0.0, 0.3, 0.6, 1.0]
    for name, group in rows.items():
        hard = not int(name.rsplit("-", 1)[-1]) % 2
        assert [length for length, _, _ in group] == ([0, 0, 0.3, 0.3, 0.6, 1.0] if hard else [0.0] * 6)
        for length, hint, trace in group:
            assert hint == trace[: round(length * len(trace))]
        assert not hard or group[-1][1] == group[-1][2]  # all of it
    hints = [hint for group in rows.values() for _, hint, _ in group if hint]
    for ids, mask, own in zip(
        *(inputs[name] for name in ("completion_ids", "completion_mask", "tool_mask")), strict=True
    ):
        begins = int((own == 0).sum())
        assert not own[:begins].any() and own[begins:].all()  # a hint stands first
        assert begins < mask.sum() <= LONGEST  # and the policy writes a token at least
        assert not begins or ids[:begins].tolist() in hints


def test_the_policy_goes_on_from_the_prompt_and_the_hint(step):
    """Its likeliest token, each time, by a forward pass over all that stands before."""
    run = step(top_k=1, learning_rate=0.0)
    (inputs,) = run.passes
    trainer, counts = run.trainer, torch.tensor(run.passes[0]["counts"])
    never = trainer.args.generation_kwargs["suppress_tokens"]
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
    of_row = torch.arange(len(counts)).repeat_interleave(counts).tolist()
    grids = inputs["image_grid_thw"]
    patches = inputs["pixel_values"].split(grids.prod(dim=1).tolist())
    with torch.no_grad():
        logits = trainer.model(
            input_ids=ids, attention_mask=torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1),
            pixel_values=torch.cat([patches[k] for k in of_row]), image_grid_thw=grids[of_row],
            mm_token_type_ids=inputs["mm_token_type_ids"], use_cache=False,
        ).logits  # fmt: skip
    logits[..., never] = -torch.inf
    own = (inputs["completion_mask"] * inputs["tool_mask"]).bool()
    likeliest = logits.argmax(dim=-1)[:, -LONGEST - 1 : -1]
    assert own.sum() > 100 and (likeliest == inputs["completion_ids"])[own].all()


def test_hints_follow_the_returns(step):
    """Whatever a group earned, its lengths are the schedule's, and the reward is told them."""
    told = []

    def reward(completions, hint=None, **_):
        told.append(hint)
        return [len(completion[0]["content"]) % 10 / 9 for completion in completions]

    found = step(reward=reward)
    values = [len(completion[0]["content"]) % 10 / 9 for completion in found.trainer._logs["completion"]]
    for group in range(2):
        returns, lengths = values[6 * group :][:6], found.trainer._lengths[6 * group :][:6]
        for start, size in ((0, 2), (2, 2), (4, 1), (5, 1)):
            assert set(lengths[start : start + size]) == {
                hint_schedule(returns[:start], found.trainer.hints.micro_groups)
            }
    assert [len(each) for each in told] == [4, 4, 2, 12] and told[-1] == found.trainer._lengths


def test_a_solved_question_has_no_hint_ever(step):
    found = step(reward=lambda completions, **_: [1.0] * len(completions))
    assert found.log["hints/share"] == 0 and found.log["hints/return_0"] == 1
    assert not any(name in found.log for name in ("hints/return_0.3", "hints/return_1", "hints/nll"))


class Pays(MixedReward):
    """As much for everything; its verifiers say whether that is right."""

    paid = 0.0

    def __call__(self, completions, **_):
        return [self.paid] * len(completions)


@pytest.mark.parametrize(("kind", "paid", "hinted"), [("open_ended", 0.2, False), ("digit", 0.2, True)])
def test_what_is_right_has_no_hint_however_little_it_earns(step, records, kind, paid, hinted):
    """A right answer to an open question earns a fraction, a number that is nearly right as much and is wrong."""
    reward = Pays(scorer=lambda questions, answers: [0.0] * len(answers))
    reward.paid = paid
    asked = records.remove_columns("verifier_type").add_column("verifier_type", [kind] * 2)
    found = step(reward=reward, records=asked)
    assert (found.log["hints/share"] > 0) == hinted and found.log["hints/return_0"] == (not hinted)


def test_the_log_says_how_many_hints_there_were_and_what_they_earned(whole):
    log = whole.log
    assert log["hints/share"] == pytest.approx(4 / 12)  # of the hard question's six, four
    assert log["hints/share_0.3"] == log["hints/share_0.6"] == log["hints/share_1"] == 0.5
    by_length = defaultdict(list)
    for length, value in zip(whole.trainer._lengths, whole.trainer._logs["rewards"]["by_question"], strict=True):
        by_length[length].append(value)
    for length, values in by_length.items():
        assert log[f"hints/return_{length:g}"] == pytest.approx(sum(values) / len(values), abs=1e-6)
    assert log["hints/nll"] > 0 and 0 < log["hints/weight"] <= 1


def test_a_rollout_log_hears_of_each_completion_once(step, tmp_path):
    def noting(completions, log_extra, log_metric, **_):
        log_extra("letters", [len(completion[0]["content"]) for completion in completions])
        log_metric("asked", float(len(completions)))
        return [0.0] * len(completions)

    found = step(reward=noting, callbacks=[RolloutLog(tmp_path, every=1)])
    rows = load_rollouts(tmp_path)
    assert len(rows) == 12 and rows["hint"].tolist() == found.trainer._lengths
    assert rows["completion"].str.len().tolist() == rows["letters"].tolist()
    assert found.log["asked"] == 12


def test_an_evaluation_has_no_hints(whole, records):
    trainer = whole.trainer
    before = list(trainer._lengths)
    trainer.args.per_device_eval_batch_size = trainer.num_generations_eval = 2
    metrics = trainer.evaluate(to_grpo(records.select([0]), with_traces=True))
    assert math.isfinite(metrics["eval_loss"]) and not any("hints" in name for name in metrics)
    assert trainer._lengths == before


# ---- refusals ----


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss_type": "grpo"}, "hints with loss_type='grpo'; expected dapo or dr_grpo"),
        ({"num_generations": 4}, "num_generations=4, and micro-groups of 2 + 2 + 1 + 1; leave num_generations out"),
        ({"shared_prefix": False}, "hints with shared_prefix=False; expected prompts that are read once"),
        ({"cache_implementation": "dynamic"}, "hints with a cache of the kind dynamic; expected"),
        ({"max_completion_length": 8}, "2 of 2 records (blocks-train-1-0-0, blocks-train-1-0-1) have hints of up to"),
    ],
)
def test_settings_that_do_not_go_with_hints(step, settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        step(**settings)


def altered(records, column, values):
    names = records.column_names
    kept = records.remove_columns(column) if column in names else records
    return kept.add_column(column, values)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("response", ["", *responses(1)], "1 of 2 records have no trace to take hints from: "),
        (
            "response",
            [*responses(1), "<think>\nx <|im_end|>\n</think>\n<answer>1</answer>"],
            r"its response holds '<\|im_end\|>', a control token",
        ),
        ("hint", [1, 2], "records have the columns hint; expected other names"),
    ],
)
def test_records_that_do_not_go_with_hints(tiny_profile, records, tmp_path, column, values, said):
    with pytest.raises(ValueError, match=said):
        Step(tiny_profile, altered(records, column, values), tmp_path, hints=HINTS)
