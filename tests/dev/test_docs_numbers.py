"""Numbers of docs/profiles.md, docs/benchmarks.md and docs/many_gpus.md: worked out again, or read from shipped runs.

The image cache, in docs/profiles.md too, has its own test (test_benchmark_image_cache.py).
"""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from vlaa_helpers import estimate_disk, estimate_memory, get_profile, reference_benchmark
from vlaa_helpers.dev.benchmarks.memory import CASES, MINI
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, build_config
from vlaa_helpers.evaluation.benchmarks.registry import BUILT_IN
from vlaa_helpers.policy.dense_weights import SPARE
from vlaa_helpers.policy.loading import load_processor
from vlaa_helpers.policy.memory_estimate import WITHIN, parameter_counts
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.runner import device_settings

ROOT = Path(__file__).resolve().parents[2]
CARDS = ("t4", "l4", "a100")


def page(name: str) -> str:
    """A page of docs on one line."""
    return " ".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").split())


def rows(name: str) -> list[list[str]]:
    """The cells of all tables of a page."""
    lines = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if line.startswith("| ")]


@pytest.fixture(scope="module")
def config():
    return build_config(TRUE_SIZE, load_processor(get_profile("mini")).tokenizer)


@pytest.fixture(scope="module")
def gib(config):
    """What `estimate_memory` says of a card's profile, with changes, as the pages write it."""

    def write(card, method, *, changes=None, **options):
        found = estimate_memory(settings_of(card).replace(**changes or {}), method, config=config, **options)
        return f"{found.total / 2**30:.1f}"

    return write


# ---- profiles.md ----


def written(value: object) -> str:
    """A setting as the table has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:,}" if isinstance(value, int) else str(value)


def test_the_table_of_settings_is_that_of_the_profiles():
    found = {row[0]: row[1:4] for row in rows("profiles") if re.match(r"`\w+`", row[0])}
    assert len(found) >= 13
    for names, cells in found.items():
        for card, cell in zip(CARDS, cells, strict=True):
            values = [getattr(settings_of(card), name) for name in re.findall(r"`(\w+)`", names)]
            assert cell == ", ".join(map(written, values)), f"{names} of {card}"


def test_the_predicted_memory_is_what_the_estimate_says(gib):
    text = page("profiles")
    t4, l4, a100 = ([gib(card, "sft"), gib(card, "grpo")] for card in CARDS)
    assert f"predicts {t4[0]} GiB (SFT) and {t4[1]} (GRPO with a KL term" in text
    assert f"{gib('t4', 'grpo', reference=False)} without) on a T4, {l4[0]} and {l4[1]} on an L4" in text
    assert f"{a100[0]} and {a100[1]} on an A100" in text
    nf4 = [gib("a100", method, changes={"load_in_4bit": True}) for method in ("sft", "grpo")]
    assert f"({nf4[0]} GiB against {a100[0]} for SFT, {nf4[1]} against {a100[1]} for GRPO," in text
    eight, careless = {"micro_batch_size": 8}, {"gradient_checkpointing": False}
    assert (
        f"(8 rows of SFT: {gib('t4', 'sft', changes=eight)} GiB on a T4, {gib('l4', 'sft', changes=eight)} on" in text
    )
    longer = gib("t4", "sft", changes={"micro_batch_size": 2}, completion_tokens=2000)
    assert f"(2,000 tokens a trace and 2 rows: {longer} GiB on a T4)" in text
    assert f"with little to spare ({gib('t4', 'grpo', changes=careless)} GiB), 8 rows of SFT on an A100" in text
    assert f"would not ({gib('a100', 'sft', changes=careless)});" in text and settings_of("a100").micro_batch_size == 8


def test_what_weights_and_their_copies_take_is_what_the_estimate_says(config):
    text = page("profiles")
    small, whole = (
        estimate_memory(settings_of("l4").replace(load_in_4bit=bits), config=config).fixed for bits in (True, False)
    )
    name = "weights of the language layers"
    assert f"{small[name] / 2**30:.1f} GiB in place of {whole[name] / 2**30:.1f} for the language layers" in text
    roomy = estimate_memory("t4", config=config, room=60 * 2**30)
    copies = (
        roomy.fixed["the same weights, dequantised"] + roomy.moments["sampling"]["joined weights of the decode stack"]
    )
    assert f"dequantised weights take {copies / 2**30:.1f} GiB more" in text
    assert f"where four times the weights' size ({SPARE * 2 * parameter_counts(config)[0] / 2**30:.1f} GiB)" in text


def test_the_disk_is_what_the_estimate_says(config):
    text = page("profiles")
    found = estimate_disk("t4", "grpo", steps=60, records=120, config=config)
    sizes = {name: f"{size / 1e9:.1f}" for name, size in found.parts.items()}
    (checkpoints,) = (name for name in sizes if "checkpoints of " in name)
    base, kept = sizes["weights of the base, downloaded"], sizes[checkpoints]
    assert f"about {found.total / 1e9:.1f} GB: {base} for the model, {kept} for three checkpoints" in text
    assert checkpoints.startswith("3 ") and f"a checkpoint has {checkpoints.rpartition(' of ')[2]}: adapters" in text
    assert sizes["adapters of the reference"] == sizes["the adapter, saved at the end"] == "0.5"
    assert "0.5 each for the reference and the adapter at the end" in text
    steps = [device_settings(settings_of("t4"), method)["save_steps"] for method in ("grpo", "sft")]
    assert f"every {steps[0]} steps of GRPO and every {steps[1]} of SFT, and the newest two are kept" in text


def test_chapters_name_the_disk_of_what_they_train(config):
    """Of a run that is done two checkpoints stay, and its adapter; while the last one is written there are three."""
    parts = estimate_disk("t4", "grpo", steps=60, config=config).parts
    adapter = parts["the adapter, saved at the end"]
    (checkpoints,) = (size for name, size in parts.items() if name.startswith("3 checkpoints of "))
    run, done = checkpoints + adapter, 2 / 3 * checkpoints + adapter
    needed = {"00": done + run, "02": run, "04": run + adapter}  # chapter 4's KL term keeps a reference
    for number, size in needed.items():
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        (said,) = re.findall(rf"up to ([\d.]+) GB in `runs/{number}`", path.read_text(encoding="utf-8"))
        assert size / 1e9 <= float(said) < size / 1e9 + 0.5, f"chapter {number}: {size / 1e9:.2f} GB"


def test_predicted_over_measured_is_that_of_the_shipped_runs():
    """Of the true size from its own run; of the others from `python -m vlaa_helpers.dev.benchmarks.memory`."""
    found = {
        (case["model"], case["method"], case["recipe"], case["checkpointing"]): case["predicted_over_measured"]
        for case in reference_benchmark("memory_cpu")["cases"]
    }
    assert set(found) == {(case.model, case.method, case.recipe, case.checkpointing) for case in CASES}
    assert all(abs(share - 1) <= WITHIN for share in found.values()) and MINI["micro_batch_size"] == 16
    mini = {(m, r): [f"{found['mini', m, r, again]:.2f}" for again in (False, True)] for _, m, r, _ in found}
    wide = {(m, r): f"{found['true width', m, r, True]:.2f}" for _, m, r, _ in found}
    stages = reference_benchmark("true_size_cpu")["stages"]
    true = [f"{stages[name]['predicted_gib'] / stages[name]['measured_gib']:.2f}" for name in ("sft", "grpo")]
    sft, grpo, kl = ("sft", "trl"), ("grpo", "trl"), ("grpo", "vlaa")
    text = page("profiles")
    assert f"SFT of 16 at once, {mini[sft][0]} ({mini[sft][1]} with checkpointing)" in text
    assert (
        f"GRPO of 16 at once, {mini[grpo][0]} ({mini[grpo][1]}), with a KL term {mini[kl][0]} ({mini[kl][1]})" in text
    )
    assert f"with checkpointing, SFT {wide[sft]}, GRPO {wide[grpo]}, with a KL term {wide[kl]}." in text
    assert f"with random weights, SFT {true[0]} and GRPO {true[1]} ([measured]" in text


# ---- benchmarks.md ----


def counts(cell: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"\b\d[\d,]*\b", cell)]


def test_the_rows_of_a_benchmark_add_up():
    """Judged, left to a free-form judge and else are all rows; what verifiers got is all that was judged."""
    listed = [row for row in rows("benchmarks") if row[0].startswith("`")]
    table = {row[0].strip("`"): row[1:] for row in listed if row[1][0].isdigit()}
    assert set(table) == {benchmark.name for benchmark in BUILT_IN} and len(listed) == 2 * len(table)
    counted = {name: row for name, row in table.items() if not row[1].startswith("not counted")}
    for name, (total, judged, free, rest) in counted.items():
        all_judged, *by_verifier = counts(judged)
        assert counts(total)[0] == all_judged + counts(free)[0] + counts(rest)[0], name
        assert not by_verifier or sum(by_verifier) == all_judged, name
    assert len(counted) == 4


def test_limits_and_versions_on_the_page_are_those_of_the_package():
    text, project = page("benchmarks"), tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (named,) = re.findall(r"adds lmms-eval ([\d.]+) and", text)
    assert any(one.startswith(f"lmms-eval>={named},") for one in project["optional-dependencies"]["eval"])
    lengths = {settings_of(card).max_completion_length for card in CARDS}
    assert lengths == {512} and "the profile's completion length (512 tokens on a GPU)" in text


# ---- many_gpus.md ----


def test_many_gpus_names_the_versions_and_shares_that_the_tests_have():
    text = page("many_gpus")
    (named,) = re.findall(r"accelerate (\d+\.\d+) and (\d+\.\d+) do not", text)
    assert ".".join(version("accelerate").split(".")[:2]) in named
    source = (ROOT / "tests" / "integration" / "test_distributed.py").read_text(encoding="utf-8")
    (allowed,) = re.findall(r"the test allows (\S+?);", text)
    assert f"atol={allowed})" in source and "max_steps=3" in source and "after three steps the test allows" in text
    assert "in 16 bits on an A100" in text and not settings_of("a100").load_in_4bit
