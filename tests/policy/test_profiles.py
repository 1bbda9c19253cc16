"""The one switch: what each name picks, what "auto" sees, and what a machine without a GPU is told."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from vlaa_helpers.policy.profiles import NAMES, REAL_DATA, REAL_MODEL, get_profile


@pytest.fixture
def gpu(monkeypatch):
    """Make torch see one GPU, or none for `gib=None`."""

    def pretend(gib: float | None, capability: tuple[int, int] = (8, 0)) -> None:
        seen = SimpleNamespace(name="Tesla Test", total_memory=int((gib or 0) * 2**30))
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gib is not None)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda *args: seen)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *args: capability)

    return pretend


def test_the_names():
    assert NAMES == ("auto", "mini", "mini_middle", "mini_weak", "t4", "l4", "a100")


@pytest.mark.parametrize("name", ["", "T4", "h100", "MINI"])
def test_an_unknown_name_is_told_the_known_ones(name):
    with pytest.raises(
        ValueError, match=f"unknown profile '{name}'; expected one of auto, mini, mini_middle, mini_weak, t4, l4, a100"
    ):
        get_profile(name)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("mini", "mini_vlm_strong"), ("mini_middle", "mini_vlm_middle"), ("mini_weak", "mini_vlm_weak")],
)
def test_the_mini_lab_needs_no_gpu(gpu, name, folder):
    gpu(None)
    profile = get_profile(name)
    assert (profile.name, profile.device, profile.dtype, profile.data) == (name, "cpu", "float32", "mini")
    assert profile.model.endswith(f"assets/{folder}") and profile.max_pixels == 112 * 112


def test_the_mini_lab_stays_on_the_cpu_beside_a_gpu(gpu):
    gpu(80)
    assert get_profile("mini").device == "cpu"


@pytest.mark.parametrize("name", ["t4", "l4", "a100"])
def test_a_gpu_profile_without_cuda_says_what_was_seen_and_what_to_do(gpu, name):
    gpu(None)
    with pytest.raises(RuntimeError) as error:
        get_profile(name)
    message = str(error.value)
    assert f"'{name}' needs a CUDA GPU" in message and torch.__version__ in message
    assert 'get_profile("mini")' in message and "Change runtime type" in message


@pytest.mark.parametrize("name", ["t4", "l4", "a100"])
def test_a_gpu_profile_is_the_real_run(gpu, name):
    gpu(80)
    profile = get_profile(name)
    assert (profile.name, profile.model, profile.data, profile.device) == (name, REAL_MODEL, REAL_DATA, "cuda")
    assert profile.gradient_checkpointing and profile.max_pixels == 262_144
    assert profile.load_in_4bit == (name != "a100")
    assert ("weights in 16 bits" in str(profile)) == (name == "a100")


def test_bigger_gpus_hold_more():
    from vlaa_helpers.policy.profiles import _GPUS

    sizes = [_GPUS[name]["micro_batch_size"] for name in ("t4", "l4", "a100")]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    ("gib", "picked"),
    [
        (None, "mini"),
        (8, "mini"),
        (12.9, "mini"),
        (14.7, "t4"),
        (20.9, "t4"),
        (22.2, "l4"),
        (39.4, "a100"),
        (140, "a100"),
    ],
)
def test_auto_picks_the_largest_that_fits_and_says_why(gpu, gib, picked):
    gpu(gib)
    profile = get_profile("auto")
    assert profile.name == picked
    reason = str(profile).splitlines()[1]
    assert reason.startswith("  - auto: ")
    if gib is None:
        assert "no CUDA GPU seen" in reason
    else:
        assert f"Tesla Test {'with' if picked != 'mini' else 'has'} {gib:.0f} GiB" in reason
        assert ("less than" in reason) == (picked == "mini")


def test_auto_is_what_get_profile_does_by_default(gpu):
    gpu(None)
    assert get_profile() == get_profile("auto")


@pytest.mark.parametrize(
    ("capability", "dtype", "why"),
    [
        ((7, 5), "float16", "compute capability 7.5 has no bfloat16 units"),
        ((8, 0), "bfloat16", "compute capability 8.0 has it"),
        ((8, 9), "bfloat16", "compute capability 8.9 has it"),
        ((9, 0), "bfloat16", "compute capability 9.0 has it"),
        ((10, 0), "bfloat16", "compute capability 10.0 has it"),
    ],
)
def test_the_number_type_follows_the_gpu_and_says_why(gpu, capability, dtype, why):
    gpu(80, capability)
    for name in ("auto", "t4"):
        profile = get_profile(name)
        assert profile.dtype == dtype and profile.reasons["dtype"].startswith(f"{dtype}: {why}")


def test_replace_changes_a_copy():
    profile = get_profile("mini")
    changed = profile.replace(max_pixels=131_072, lora_rank=8)
    assert (changed.max_pixels, changed.lora_rank) == (131_072, 8)
    assert profile.max_pixels == 112 * 112 and changed != profile
    assert changed.replace(max_pixels=profile.max_pixels, lora_rank=profile.lora_rank) == profile
    with pytest.raises(TypeError, match="pixels"):
        profile.replace(pixels=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.max_pixels = 1


def test_reasons_do_not_make_profiles_differ():
    profile = get_profile("mini")
    assert profile.replace(reasons={"name": "another"}) == profile


def test_a_reason_goes_with_its_setting(gpu):
    gpu(40)
    profile = get_profile("a100")
    assert str(profile.replace(load_in_4bit=False, lora_rank=8)) == str(profile)
    told = str(profile.replace(load_in_4bit=True, max_pixels=131_072, dtype="float32"))
    assert told == f"profile a100: {REAL_MODEL}, 4-bit NF4, float32 on cuda, data {REAL_DATA}"
    assert "262,144" in str(profile.replace(load_in_4bit=True)) and "in 16 bits" in str(profile.replace(max_pixels=1))
    assert "mini lab" not in str(get_profile("mini").replace(model="mine"))


def test_auto_takes_no_gpu_older_than_a_t4(gpu):
    gpu(16, (6, 0))
    profile = get_profile("auto")
    assert (profile.name, profile.device) == ("mini", "cpu")
    seen = "auto: Tesla Test has compute capability 6.0, less than the 7.5 of a T4, so the mini lab"
    assert profile.reasons["name"] == seen
    gpu(16, (7, 5))
    assert get_profile("auto").name == "t4"


def test_printing_says_what_was_picked_and_why(gpu):
    gpu(15, (7, 5))
    profile = get_profile("auto")
    head, *reasons = str(profile).splitlines()
    assert head == f"profile t4: {REAL_MODEL}, 4-bit NF4, float16 on cuda, data {REAL_DATA}"
    assert reasons == [f"  - {reason}" for reason in profile.reasons.values()] and len(reasons) == 3
    assert str(profile.replace(load_in_4bit=False)).splitlines()[0] == head.replace("4-bit NF4, ", "float16, ")


def test_printing_a_local_model_shows_its_folder_only(tmp_path):
    (tmp_path / "mine").mkdir()
    line = str(get_profile("mini").replace(model=str(tmp_path / "mine"))).splitlines()[0]
    assert line.startswith("profile mini: mine, ") and str(tmp_path) not in line
