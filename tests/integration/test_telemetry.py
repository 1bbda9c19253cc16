"""Nothing is sent that nobody asked for: TRL's telemetry is off unless the environment keeps it on."""

import os
import subprocess
import sys

import pytest
from hub_server import HubServer

TRAINING = """
from vlaa_helpers import MixedReward, get_profile, load_policy, make_scenes, train_grpo

profile = get_profile("mini").replace(prompts_per_step=1, num_generations=2, max_completion_length=8)
model, processor = load_policy(profile)
options = {"reward_funcs": MixedReward(), "max_steps": 1, "output_dir": "run", "save_strategy": "no"}
train_grpo(model, processor, make_scenes(2), profile, **options)
"""
SEND = """
from huggingface_hub.utils import send_telemetry
from huggingface_hub.utils._telemetry import _TELEMETRY_QUEUE

send_telemetry("trl/other", library_name="trl")
_TELEMETRY_QUEUE.join()
"""
OFF = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY",
       "DO_NOT_TRACK", "CI")  # fmt: skip


def requests_of(program, folder, **settings):
    with HubServer() as hub:
        environment = {name: value for name, value in os.environ.items() if name not in OFF}
        environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home"), **settings}
        subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True, timeout=240)
        return [request[2] for request in hub.requests]


@pytest.mark.parametrize("first", ["import vlaa_helpers", "import huggingface_hub.constants, vlaa_helpers"])
def test_telemetry_is_off_whatever_is_imported_first(tmp_path, first):
    assert requests_of(first + SEND, tmp_path) == []


def test_the_environment_can_keep_it_on(tmp_path):
    sent = requests_of("import vlaa_helpers" + SEND, tmp_path, HF_HUB_DISABLE_TELEMETRY="0")
    assert "/api/telemetry/trl/other" in sent


def test_a_training_asks_the_network_for_nothing(tmp_path):
    assert requests_of(TRAINING + SEND, tmp_path) == []
