"""The benchmark of shared prefixes: both trainers do the same steps, and a grid goes on where it stopped."""

import json
from subprocess import CompletedProcess, TimeoutExpired

import pytest

from vlaa_helpers.dev.benchmarks import shared_prefix as prefix_benchmark
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, random_model
from vlaa_helpers.dev.benchmarks.shared_prefix import Cell, cells, measure, measure_all
from vlaa_helpers.policy.loading import load_processor

NARROW = {"num_attention_heads": 2, "hidden_size": 64, "intermediate_size": 128, "vocab_size": 2048}
ROPE = {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [4, 6, 6]}
EYE = {"hidden_size": 64, "depth": 2, "num_heads": 2, "intermediate_size": 128, "out_hidden_size": 64}
TINY = {
    "text": TRUE_SIZE["text"] | NARROW | {"num_hidden_layers": 2, "rope_parameters": ROPE},
    "vision": TRUE_SIZE["vision"] | EYE | {"fullatt_block_indexes": [1]},
}


def test_a_cell_has_both_trainers_on_the_same_steps(tiny_profile):
    found = measure(Cell(2, 4, 6), tiny_profile.replace(micro_batch_size=2), steps=2)
    assert found["prompt_tokens"] == 2**2 + 22 and found["passes"] == "4 x 2"
    ours, trl = found["arms"]["ours"], found["arms"]["trl"]
    assert ours["tokens_per_step"] == trl["tokens_per_step"] == 8 * (26 + 6)
    assert ours["grad_norms"] == pytest.approx(trl["grad_norms"], rel=1e-4) and len(ours["grad_norms"]) == 3
    for arm in (ours, trl):
        parts = [arm[name] for name in ("generate", "log_probs", "backward")]
        assert min(parts) > 0 and sum(parts) < 1.2 * max(arm["step_s"])


def test_the_memory_of_a_cell_is_that_of_a_process_of_its_own(tiny_profile, tmp_path, monkeypatch):
    """As `measure_all` asks for it: the process gives back to the system what it frees, and answers with two peaks."""
    out = tmp_path / "found.json"
    run = prefix_benchmark.subprocess.run
    asked = []

    def run_tiny(command, **settings):
        asked.append((command[-1], settings["env"].get("MALLOC_MMAP_THRESHOLD_")))
        return run(command, **settings)

    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(prefix_benchmark.subprocess, "run", run_tiny)
    arguments = ["--steps", "1", "--prompts", "1", "--model", tiny_profile.model]
    found = measure_all([Cell(16, 8, 4)], arguments, out, limit=300)
    assert [threshold for _, threshold in asked] == [None, "65536"] and asked[1][0] == "--memory"
    ours, trl = (found["cells"][0]["arms"][name] for name in ("ours", "trl"))
    assert 0 < ours["peak_mib"] < 0.7 * trl["peak_mib"]
    assert json.loads(out.read_text()) == found


def test_the_path_of_the_gpu_runs_on_a_tiny_model(tiny_profile):
    profile = tiny_profile.replace(
        dtype="bfloat16", gradient_checkpointing=True, micro_batch_size=2, prompts_per_step=1
    )
    processor = load_processor(tiny_profile)
    with random_model(profile, processor, TINY) as (loaded, _):
        found = measure(Cell(3, 4, 4), loaded, steps=1)
    assert found["gradient_checkpointing"] and found["passes"] == "2 x 2"
    assert found["arms"]["ours"]["tokens_per_step"] == found["arms"]["trl"]["tokens_per_step"] == 4 * (9 + 22 + 4)


def test_the_grid_is_measured_small_cells_first():
    assert len(cells(quick=False)) == 36 and set(cells(quick=True)) < set(cells(quick=False))
    assert cells(quick=False)[0] == Cell(4, 4, 32) and cells(quick=False)[-1] == Cell(32, 16, 512)


def test_a_grid_goes_on_where_it_stopped_and_keeps_what_failed(tmp_path, monkeypatch):
    out, asked = tmp_path / "new" / "found.json", []
    arms = {"ours": {}, "trl": {}}
    peaks = {"ours": 1.5, "trl": 3.0}
    answers = {
        4: {"machine": {"cores": 2}, "prompt_tokens": 38, "arms": arms},
        9: TimeoutExpired("it", 5),
        16: 3,
        32: KeyboardInterrupt(),
    }

    def run(command, timeout, check=False, **_):
        if command[-1] == "--memory":
            return CompletedProcess(command, 0, stdout=json.dumps(peaks))
        side = json.loads(command[-1])["side"]
        asked.append((side, timeout, command[3:-2]))
        answer = answers[side]
        if isinstance(answer, BaseException):
            raise answer
        ended = CompletedProcess(command, answer if side == 16 else 0, stdout=json.dumps(answer))
        if check:
            ended.check_returncode()
        return ended

    monkeypatch.setattr(prefix_benchmark.subprocess, "run", run)
    grid = [Cell(side, 4, 32) for side in (4, 9, 16, 32)]
    with pytest.raises(KeyboardInterrupt):
        measure_all(grid, ["--steps", "3"], out, limit=5)
    answers[32] = {"machine": {"cores": 2}, "prompt_tokens": 1046, "arms": arms}
    found = measure_all(grid, ["--steps", "3"], out, limit=5)
    assert [side for side, *_ in asked] == [4, 9, 16, 32, 32] and asked[0][1:] == (5, ["--steps", "3"])
    assert found == json.loads(out.read_text()) and found["machine"] == {"cores": 2}
    assert [part.get("error") for part in found["cells"]] == [None, "more than 5 s", "exit status 3", None]
    assert found["cells"][0]["arms"] == {"ours": {"peak_mib": 1.5}, "trl": {"peak_mib": 3.0}}
    assert found["cells"][3]["cell"] == {"side": 32, "generations": 4, "completion": 32}
