"""The plug-in for lmms-eval: what it answers, here; lmms-eval itself running it, where lmms-eval is installed."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchmark_files import drawn
from conftest import NO_LMMS_EVAL

from vlaa_helpers import decode_image, load_policy
from vlaa_helpers.core.answers import SYSTEM_PROMPT
from vlaa_helpers.evaluation import lmms_eval_plugin
from vlaa_helpers.evaluation.lmms_eval_plugin import PolicyAnswers
from vlaa_helpers.policy.profiles import settings_of

DOCS = [{"question": f"How many? {k}", "image": decode_image(drawn(str(k)))} for k in range(3)]


def show(doc):
    return [doc["image"]]


def requests(limit=16, visual=show, **settings):
    """Requests as lmms-eval hands them to a simple model."""
    settings = {"max_new_tokens": limit, **settings}
    rows = enumerate(DOCS)
    return [SimpleNamespace(args=(doc["question"], settings, visual, k, "counts", "test")) for k, doc in rows]


@pytest.fixture
def model(tiny_profile, monkeypatch):
    """The model on a tiny policy; `said` notes each batch's prompts, images and limit, and gives the responses."""

    def make(responses=("<think>a</think><answer>3</answer>",), **options):
        answers = PolicyAnswers(profile="mini", model=tiny_profile.model, **options)
        answers.task_dict = {"counts": {"test": DOCS}}
        answers.cache_hook = SimpleNamespace(add_partial=lambda *what: None)
        answers.said = []

        def note(policy, processor, prompts, images, sampling):
            answers.said.append((prompts, images, sampling.max_new_tokens))
            return [(responses[k % len(responses)], 5, False) for k in range(len(prompts))]

        if responses:
            monkeypatch.setattr("vlaa_helpers.policy.generation.generate_responses", note)
        return answers

    return make


def test_importing_the_plug_in_imports_no_lmms_eval_and_no_torch():
    code = "import sys, vlaa_helpers.evaluation.lmms_eval_plugin; print({'torch', 'lmms_eval'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_task_gets_what_stands_in_the_answer_tags(model):
    answers = model(responses=["<think>1 + 2</think><answer>3</answer>", "no tags at all"], batch_size=2)
    assert answers.generate_until(requests()) == ["3", "no tags at all", "3"]
    assert [len(prompts) for prompts, _, _ in answers.said] == [2, 1]
    system, user = answers.said[0][0][0]
    assert system["content"][0]["text"] == SYSTEM_PROMPT
    assert [part["type"] for part in user["content"]] == ["image", "text"]
    assert user["content"][1]["text"] == "How many? 0" and answers.said[0][1][0] == [DOCS[0]["image"]]
    whole = model(responses=["<think>1 + 2</think><answer>3</answer>"], whole_response=True)
    assert whole.generate_until(requests()[:1]) == ["<think>1 + 2</think><answer>3</answer>"]


def test_the_own_prompt_has_the_words_of_the_task_alone_and_its_limit(model):
    own = model(prompt="own")
    own.generate_until(requests(limit=7)[:1])
    prompts, _, limit = own.said[0]
    assert [message["role"] for message in prompts[0]] == ["user"] and limit == 7


@pytest.mark.parametrize(
    ("options", "asked", "limit"), [({}, 16, 96), ({}, 500, 500), ({"max_new_tokens": 40}, 500, 40)]
)
def test_there_is_room_to_think(model, options, asked, limit):
    answers = model(**options)
    answers.generate_until(requests(limit=asked)[:1])
    assert answers.said[0][2] == limit


def test_what_it_does_not_do_is_said(model, caplog):
    answers = model()
    lmms_eval_plugin._say_once.cache_clear()
    answers.generate_until(requests(temperature=0.7)[:1])
    assert "vlaa decodes greedily" in caplog.text
    with pytest.raises(ValueError, match="task counts shows str; vlaa takes images alone"):
        answers.generate_until(requests(visual=lambda doc: ["video.mp4"]))
    for refused in (answers.loglikelihood, answers.generate_until_multi_round):
        with pytest.raises(NotImplementedError, match="output_type generate_until"):
            refused([])
    with pytest.raises(ValueError, match='prompt is "ours" or "own"'):
        PolicyAnswers(prompt="theirs")
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        lmms_eval_plugin.Other  # noqa: B018


def test_an_adapter_is_put_on_the_base_in_4_bits(model, tiny_profile, tmp_path):
    from bitsandbytes.nn import Linear4bit

    policy, _ = load_policy(tiny_profile)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            parameter.data.fill_(0.05)
    policy.save_pretrained(tmp_path)
    plain, tuned = model(responses=None), model(responses=None, adapter=str(tmp_path))
    assert any(isinstance(module, Linear4bit) for module in tuned.policy.modules())
    said = [answers.generate_until(requests()) for answers in (plain, tuned)]
    assert said[0] != said[1] and all(len(texts) == 3 for texts in said)


@pytest.mark.parametrize(("bits", "in_4bit"), [({}, False), ({"load_in_4bit": True}, True)])
def test_the_profile_says_in_how_many_bits(bits, in_4bit, monkeypatch):
    """An a100 holds its base in 16 bits; nobody has to say so."""
    loaded = []

    def load(profile, **_):
        loaded.append(profile.load_in_4bit)
        return SimpleNamespace(eval=lambda: None), None

    monkeypatch.setattr("vlaa_helpers.policy.profiles.get_profile", settings_of)
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", load)
    PolicyAnswers(profile="a100", **bits)
    assert loaded == [in_4bit]


TASK = """
task: counts
dataset_path: parquet
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_visual: !function own_task.show
doc_to_text: "{{{{question}}}}"
doc_to_target: "answer"
generation_kwargs: {{max_new_tokens: 16, temperature: 0, do_sample: false}}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


@pytest.mark.timeout(600)
def test_lmms_eval_runs_a_task_with_the_model(tmp_path, tiny_profile):
    """Through lmms-eval's own registry (the entry point), task file and evaluator; the mini VLM answers."""
    if importlib.util.find_spec("lmms_eval") is None:
        pytest.skip(NO_LMMS_EVAL)
    points = importlib.metadata.entry_points(group="lmms_eval.models")
    assert any(point.value == "vlaa_helpers.evaluation.lmms_eval_plugin:manifest" for point in points)
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager

    from vlaa_helpers import evaluate, get_profile, make_scenes

    records = make_scenes(12, sources="blocks", split="test")
    rows = [{"question": row["question"], "answer": row["gt"], "image": cell} for row, cell in _cells(records)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "counts.yaml").write_text(TASK.format(rows=tmp_path / "rows.parquet"))
    shows = "import io\nfrom PIL import Image\n\ndef show(doc):\n"
    shows += "    image = doc['image']\n"
    shows += "    return [Image.open(io.BytesIO(image['bytes'])) if isinstance(image, dict) else image]\n"
    (tmp_path / "task" / "own_task.py").write_text(shows)
    tasks = TaskManager(include_path=str(tmp_path / "task"), include_defaults=False)
    results = simple_evaluate(
        "vlaa", model_args="profile=mini,max_new_tokens=64", tasks=["counts"], batch_size=12, task_manager=tasks
    )
    ours = evaluate(*load_policy(get_profile("mini")), records, max_new_tokens=64)
    right = sum(row["answer"] == row["gt"] for row in ours.rows) / len(records)
    assert results["results"]["counts"]["exact_match,none"] == pytest.approx(right)
    assert 0 < right < 1  # so that the two could differ


def _cells(records):
    return zip(records.remove_columns("image"), records.data.table["image"].to_pylist(), strict=True)
