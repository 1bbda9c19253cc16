"""`report_to=trackio` beside our pins: the tracker's callback is reached, by a stub that keeps what it is told."""

import sys

import pytest
from trl import GRPOConfig, SFTConfig
from trl.extras import profiling
from trl.trainer import grpo_trainer

from vlaa_helpers import load_policy, make_scenes, train_grpo, train_sft
from vlaa_helpers.core.command_line import config_settings

STUB = '''
"""What transformers' callback asks of trackio."""
from types import SimpleNamespace

__version__ = "0.43.0"
told = []


class Config(dict):
    def update(self, values, allow_val_change=False):
        super().update(values)


nowhere = SimpleNamespace(get=lambda: None)
context_vars = SimpleNamespace(current_space_id=nowhere, current_run=nowhere, current_project=nowhere)
config = Config()


def init(**settings):
    told.append(("init", settings))


def log(metrics, step=None):
    told.append(("log", metrics))


def finish():
    told.append(("finish", {}))
'''


@pytest.fixture
def trackio(tmp_path, monkeypatch):
    """A package of that name on the search path, and the module that a run imports."""
    (tmp_path / "packages" / "trackio").mkdir(parents=True)
    (tmp_path / "packages" / "trackio" / "__init__.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.delitem(sys.modules, "trackio", raising=False)
    import trackio

    for module in (profiling, grpo_trainer):  # they look for it once, when they are imported
        monkeypatch.setattr(module, "trackio", trackio, raising=False)
    yield trackio
    sys.modules.pop("trackio", None)


def run(method, profile, records, folder, **settings):
    model, processor = load_policy(profile)
    settings |= {"max_steps": 2, "save_strategy": "no", "output_dir": str(folder), "run_name": f"my {method}"}
    if method == "sft":
        return train_sft(model, processor, records, profile, batch_size=2, **settings)
    rewards = [0.0, 1.0]
    return train_grpo(
        model, processor, records, profile,
        reward_funcs=lambda completions, **_: (rewards * len(completions))[: len(completions)], **settings,
    )  # fmt: skip


@pytest.mark.parametrize(("method", "config"), [("sft", SFTConfig), ("grpo", GRPOConfig)])
def test_trackio_hears_of_every_step(trackio, method, config, tiny_profile, with_traces, tmp_path):
    settings = config_settings(["report_to=trackio"], config)  # as `vlaa grpo … --set report_to=trackio`
    trainer = run(method, tiny_profile, with_traces(make_scenes(4)), tmp_path / "run", **settings)
    kinds = [kind for kind, _ in trackio.told]
    assert kinds.count("init") == 1 and kinds[-1] == "finish"
    assert dict(trackio.told)["init"]["name"] == f"my {method}"
    assert trackio.config["learning_rate"] == trainer.args.learning_rate
    logged = [metrics for kind, metrics in trackio.told if kind == "log"]
    steps = [metrics for metrics in logged if "train/loss" in metrics]
    assert [metrics["train/global_step"] for metrics in steps] == [1, 2]
    history = [row for row in trainer.state.log_history if "loss" in row]
    assert [metrics["train/loss"] for metrics in steps] == [row["loss"] for row in history]
    if method == "grpo":
        assert [metrics["train/reward"] for metrics in steps] == [0.5, 0.5]


def test_without_it_no_tracker_is_told(trackio, tiny_profile, with_traces, tmp_path):
    """Installed is not asked for."""
    run("sft", tiny_profile, with_traces(make_scenes(2)), tmp_path / "run")
    assert trackio.told == []
