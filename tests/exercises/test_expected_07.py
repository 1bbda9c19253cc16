"""What the checks of chapter 07 expect is what the package and the chapter work out."""

import ast

import pytest
from exercise_cells import NOTEBOOKS

from vlaa_helpers import estimate_memory, get_profile
from vlaa_helpers.core.statistics import bootstrap_interval
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, build_config
from vlaa_helpers.dev.notebooks.files import read_notebook
from vlaa_helpers.exercises import chapter_07
from vlaa_helpers.exercises.by_cases import plain
from vlaa_helpers.policy.loading import load_processor
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.runner import device_settings


def each(exercise):
    """Arguments of every case, and what the check expects for them."""
    for case in exercise.check.cases:
        yield case.given, plain(exercise.check.solve(*case.given))


def test_questions_enough_for_the_gain_just_exclude_zero():
    for (gain, changed), n in each(chapter_07.QUESTIONS_NEEDED):
        assert 1.96 * (changed / n) ** 0.5 == pytest.approx(gain)


def test_a_paired_interval():
    from scipy import stats

    for (before, after), expected in each(chapter_07.PAIRED_INTERVAL):
        gaps = [after[name] - before[name] for name in sorted({*before} & {*after})]
        low, high = stats.norm.interval(0.95, loc=sum(gaps) / len(gaps), scale=stats.sem(gaps))
        assert expected == pytest.approx([sum(gaps) / len(gaps), low, high], abs=1e-4)
        one_question = 1 / len(gaps)  # the bootstrap of so few moves by whole ones
        assert expected[1:] == pytest.approx(bootstrap_interval(gaps), abs=one_question)


def test_a_kv_cache_is_the_one_of_the_estimate():
    config = build_config(TRUE_SIZE, load_processor(get_profile("mini")).tokenizer)
    text, profile = config.get_text_config(), settings_of("t4")
    model, step = chapter_07.KV_CACHE.check.cases[0].given
    width = text.hidden_size // text.num_attention_heads
    assert model == {
        "layers": text.num_hidden_layers,
        "heads": text.num_attention_heads,
        "kv_heads": text.num_key_value_heads,
        "width": width,
    }
    assert (step["prompts"], step["generations"]) == (profile.prompts_per_step, profile.num_generations)
    estimate = estimate_memory(profile, "grpo", config=config)
    assert plain(chapter_07.KV_CACHE.check.solve(model, step)) == estimate.moments["sampling"]["KV cache"]


def test_steps_that_are_kept_lie_as_far_apart_as_the_profile_saves():
    saved = device_settings(settings_of("t4"), "grpo")["save_steps"]
    assert {every for (_, _, every, _), _ in each(chapter_07.KEPT_STEPS)} == {saved}


def test_a_sum_buys_what_the_chapter_works_out():
    cells = {cell["id"]: cell.source for cell in read_notebook(NOTEBOOKS["07"]).cells}
    nodes = ast.parse(cells["c30"]).body
    cards, hours = nodes[0], next(node for node in nodes if isinstance(node, ast.FunctionDef))
    space = {}
    exec(compile(ast.Module([cards, hours], []), "c30", "exec"), space)
    for (dollars, card, operations, at_a_time, longest), prompts in each(chapter_07.AFFORDABLE):
        assert card in space["cards"].values()
        steps = prompts / at_a_time * longest
        assert space["hours"](card, operations, prompts, steps) * card["price"] == pytest.approx(dollars)
