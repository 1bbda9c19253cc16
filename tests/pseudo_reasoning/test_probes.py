"""What a policy's answers owe to its traces: planted policies that reason, decorate and repair; real ones; resuming."""

import json
import math
import re
from random import Random
from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from vlaa_helpers import analyze_traces, evaluate, load_policy, load_probes, make_scenes, probe_traces
from vlaa_helpers.core.record_schema import arrow_dataset, record_features
from vlaa_helpers.data.trl_views import to_grpo
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.scenes import draw_scene, encode_png
from vlaa_helpers.policy.dense_weights import copy_of
from vlaa_helpers.pseudo_reasoning import probes as module
from vlaa_helpers.pseudo_reasoning.continuations import common_start
from vlaa_helpers.pseudo_reasoning.probe_report import CUT_COLUMNS, TRACE_COLUMNS
from vlaa_helpers.pseudo_reasoning.probes import Parts, correct_answers, cut_response, same_answer
from vlaa_helpers.rewards.mixed import MixedReward

# ---- policies by rule ----


class Planted(Qwen2_5_VLForConditionalGeneration):
    """A policy that goes on by a rule from the text of its response so far; its cache holds the tokens themselves."""

    def __init__(self, config, processor, rule):
        super().__init__(config)
        self.tokenizer, self.rule = processor.tokenizer, rule
        self.generation_config.eos_token_id = processor.tokenizer.eos_token_id

    def forward(self, input_ids, attention_mask, past_key_values, logits_to_keep, **inputs):
        ids = input_ids[:, None, :, None].double()
        seen = past_key_values.update(ids, ids, 0)[0][:, 0, :, 0].long()
        logits = torch.zeros(len(seen), logits_to_keep, len(self.tokenizer))
        for row, (tokens, mask) in enumerate(zip(seen, attention_mask.bool(), strict=True)):
            for k in range(logits_to_keep):
                end = seen.shape[1] - logits_to_keep + k + 1
                logits[row, k, self.next(tokens[:end][mask[:end]])] = 10
        return SimpleNamespace(logits=logits)

    def next(self, tokens):
        text = self.tokenizer.decode(tokens).rpartition("assistant\n")[2]
        rest = self.rule(text)
        return self.tokenizer(rest)["input_ids"][0] if rest else self.tokenizer.eos_token_id


def go_on(text, whole):
    """What is left of the text that a policy has in mind; nothing where it is past that."""
    return whole[len(text) :] if whole.startswith(text) else ""


def answer_with(decide):
    """A rule for the answer block, from the thinking before it."""

    def rule(text):
        think, _, answer = text.partition("<answer>")
        return go_on(answer, f"{decide(think)}</answer>")

    return rule


def last_number(text):
    return (re.findall(r"-?\d+", text) or ["0"])[-1]


def reasoner(text):
    """Answers with the last number that was said, and takes each fact as it stands."""
    if "<answer>" in text:
        return answer_with(last_number)(text)
    red, blue = (re.search(rf"{colour} (\d)", text) for colour in ("red", "blue"))
    red, blue = (int(found[1]) if found else default for found, default in ((red, 6), (blue, 2)))
    whole = (
        f"<think>I see bars: red {red}, blue {blue}. That is clear. {red} - {blue} = {red - blue}.</think>\n<answer>"
    )
    return go_on(text, whole)


def ends_with(text, ending):
    """What is left of an ending that the text may have begun."""
    return ending[next(k for k in range(len(ending), -1, -1) if text.endswith(ending[:k])) :]


def decorator(text):
    """Has its answer before it thinks."""
    if "<answer>" in text:
        return answer_with(lambda _: "4")(text)
    return ends_with(text, " Hmm.</think>\n<answer>")


def repairer(text):
    """Looks again, and answers from what it sees then."""
    if "<answer>" in text:
        return answer_with(lambda _: "4")(text)
    return ends_with(text, " Wait. I see bars: red 6, blue 2. 6 - 2 = 4.</think>\n<answer>")


@pytest.fixture(scope="module")
def chart():
    """A chart question with a number for an answer: red 6 minus blue 2."""
    facts = {"style": "bar", "colours": ["red", "blue", "green", "orange"], "values": [6, 2, 3, 4]}
    options = [str(k) for k in range(-7, 9)]
    task = {"kind": "difference", "first": "red", "second": "blue", "options": options, "value": "4"}
    (row,) = make_scenes(1, sources="charts")
    row |= {
        "id": "chart-0",
        "image": {"bytes": encode_png(draw_scene("charts", facts)), "path": None},
        "question": "How much higher is the red bar than the blue bar?",
        "gt": "4",
        "verifier_type": "digit",
        "meta": json.dumps({"facts": facts, "task": task}),
    }
    return arrow_dataset([row], record_features())


GENUINE = "<think>I see bars: red 6, blue 2. That is clear. 6 - 2 = 4.</think>\n<answer>4</answer>"
EMPTY = "<think>Hmm. Wait, let me see. Well.</think>\n<answer>4</answer>"


@pytest.fixture(scope="module")
def tiny(tiny_profile):
    return load_policy(tiny_profile, trainable=False)


def probe(rule, chart, tiny, *responses, **options):
    policy, processor = tiny
    rows = [{"id": "chart-0", "response": response} for response in responses]
    return probe_traces(Planted(policy.config, processor, rule), processor, chart, rows, **options)


def test_a_policy_that_reasons(chart, tiny):
    """Its answer comes with the last step, that step holds all the information, and a changed fact changes it."""
    report = probe(reasoner, chart, tiny, GENUINE)
    cuts, (trace,) = report.cuts, report.traces.to_dict("records")
    assert cuts["answer"].tolist() == ["0", "2", "2", "4"] and cuts["correct"].tolist() == [0, 0, 0, 1]
    assert cuts["same"].tolist() == [0, 0, 0, 1] and trace["aoc"] == 1 and cuts["end"].tolist() == [0, 26, 41, 52]
    gains = cuts["gain_correct"].tolist()
    assert math.isnan(gains[0]) and gains[1:] == pytest.approx(
        [0, 0, 20], abs=0.1
    )  # the answer and the tag after it: 10 each
    assert trace["gain_correct"] == pytest.approx(20, abs=0.1) == 3 * trace["gain_correct_per_step"]
    assert cuts["gain_given"].tolist()[1:] == gains[1:]  # the given answer is the correct one
    assert (trace["no_think_correct"], trace["whole_correct"], trace["given_kept"], trace["problem"]) == (0, 1, 1, None)
    (row,) = report.rows
    changed = row["corrupted"]
    assert changed["kind"] == "value" and changed["clean"] == GENUINE and changed["clean_answer"] == "4"
    assert (changed["changed"], changed["follows"], changed["repairs"]) == (True, True, False)
    assert [changed["corrupted_answer"]] == changed["implied"]


def test_what_was_truncated_is_told(chart, tiny, caplog, tmp_path):
    cut = probe(reasoner, chart, tiny, GENUINE, max_answer_tokens=2, max_new_tokens=5, out=tmp_path / "cut")
    assert cut.truncated == {"forced answers": 1.0, "continuations": 1.0}
    assert load_probes(tmp_path / "cut").truncated == cut.truncated
    assert "100% of the forced answers were truncated at 2 tokens: few of these have" in caplog.text
    assert "100% of the continuations were truncated at 5 tokens" in caplog.text
    assert "Give more: probe_traces(…, max_new_tokens=20)" in caplog.text
    caplog.clear()
    assert probe(reasoner, chart, tiny, GENUINE).truncated == {"forced answers": 0.0, "continuations": 0.0}
    assert probe(reasoner, chart, tiny, GENUINE, probes=["steps"]).truncated == {} and caplog.text == ""


def test_a_policy_that_decorates(chart, tiny):
    """Its answer stands before the first step, steps add nothing, and no changed fact moves it."""
    for response in (GENUINE, EMPTY):
        (trace,) = probe(decorator, chart, tiny, response).traces.to_dict("records")
        assert (trace["aoc"], trace["no_think_same"], trace["no_think_correct"]) == (0, 1, 1)
        assert abs(trace["gain_correct"]) < 1e-6 and abs(trace["gain_given"]) < 1e-6
    (trace,) = probe(decorator, chart, tiny, GENUINE).traces.to_dict("records")
    assert (trace["changed"], trace["follows"], trace["repairs"]) == (0, 0, 0)


def test_empty_steps_add_nothing_even_to_a_policy_that_reasons(chart, tiny):
    report = probe(reasoner, chart, tiny, EMPTY)
    assert report.cuts["gain_given"].abs().max() < 1e-6 and report.rows[0]["corrupted"] is None
    (trace,) = report.traces.to_dict("records")
    assert (trace["aoc"], trace["given_kept"]) == (0, 0) and math.isnan(trace["changed"])


def test_a_policy_that_looks_again(chart, tiny):
    (trace,) = probe(repairer, chart, tiny, GENUINE, probes=["corrupted"]).traces.to_dict("records")
    assert (trace["changed"], trace["follows"], trace["repairs"]) == (0, 0, 1)
    assert math.isnan(trace["aoc"]) and math.isnan(trace["gain_given"])


def test_several_traces_of_a_record_pay_for_its_prompt_once(chart, tiny):
    one, two = (probe(reasoner, chart, tiny, *[GENUINE] * n, probes=["steps"]).rows for n in (1, 2))
    assert one[0]["tokens"] == two[0]["tokens"] > two[1]["tokens"]
    assert one[0]["cuts"] == two[0]["cuts"] == two[1]["cuts"]
    assert two[0]["tokens_alone"] == two[1]["tokens_alone"] > 3 * two[0]["tokens"]


# ---- real policies ----

SAMPLES = [
    "<think>I see red circle. That is 1 object.</think>\n<answer>1</answer>",
    "<think>\nIt looks like B.\n</think>\n<answer>\nB</answer>",
    "<think>One. Two. Three. Four.</think> So it is <answer>A</answer>",
    "thinking aloud. More of it.</think><answer>y = 2x</answer>",
]


@pytest.fixture(scope="module")
def records():
    return make_scenes(4, split="test", seed=2)


@pytest.fixture(scope="module")
def exact(tiny_profile):
    return load_policy(tiny_profile.replace(load_in_4bit=False), trainable=False)


def full_pass(policy, row, text):
    """Tokens of a response and the logits before each of them, from one pass without any cache."""
    model, processor = policy
    prompt = processor.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[prompt + text], images=row["images"] or None, return_tensors="pt")
    start = processor(text=[prompt], images=row["images"] or None, return_tensors="pt")["input_ids"].shape[1]
    with torch.no_grad():
        return inputs["input_ids"][0, start:], model(**inputs).logits[0, start - 1 :].float()


def test_values_are_those_of_full_passes_without_a_cache(exact, records):
    """Log-probabilities of correct and given answers, and forced answers, at every cut of traces of unequal length."""
    report = probe_traces(*exact, records, SAMPLES, max_answer_tokens=3, batch_size=3)
    tokenizer = exact[1].tokenizer
    for row, record, prompt, text in zip(report.rows, records, to_grpo(records), SAMPLES, strict=True):
        parts = cut_response(text)
        assert len(row["cuts"]) == len(parts.ends) + 1 and row["tokens"] < row["tokens_alone"]
        for cut in row["cuts"]:
            start = parts.start(cut["cut"])
            known = tokenizer(start)["input_ids"]

            def logp(answer, start=start, known=known, prompt=prompt):
                tokens, logits = full_pass(exact, prompt, f"{start}{answer}</answer>")
                values = logits[:-1].log_softmax(-1).gather(1, tokens[:, None])[:, 0]
                return float(values[common_start(known, tokens.tolist()) :].sum())

            correct = torch.tensor([logp(answer) for answer in correct_answers(record)]).logsumexp(0)
            assert cut["logp_correct"] == pytest.approx(float(correct), abs=1e-4)
            assert cut["logp_given"] == pytest.approx(logp(row["answer"]), abs=1e-4)
    partial = probe_traces(*exact, records, SAMPLES, probes=["partial"], max_answer_tokens=3, batch_size=64)
    assert [[cut["answer"] for cut in row["cuts"]] for row in partial.rows] == [
        [cut["answer"] for cut in row["cuts"]] for row in report.rows
    ]


def test_layers_compute_in_fewer_steps_while_probing(tiny_profile, records, monkeypatch):
    """The weights are dequantised once, for all batches of a call."""
    model, processor = load_policy(tiny_profile)
    layer = model.get_base_model().model.language_model.layers[0].mlp.up_proj.base_layer
    inside, rows = [], module._Prober.rows
    monkeypatch.setattr(
        module._Prober, "rows", lambda self, *a: inside.append(copy_of(layer) is not None) or rows(self, *a)
    )
    probe_traces(model, processor, records, SAMPLES, probes=["partial"], max_answer_tokens=1, batch_size=2)
    assert inside == [True, True] and copy_of(layer) is None


def test_the_first_cut_is_the_control_without_thinking(exact, records):
    """What is written there is what `evaluate(think=False)` gets."""
    model, processor = exact
    alone = evaluate(model, processor, records, think=False, max_new_tokens=5)
    written = []
    original = module.Branches.write

    def keep(self, starts, **options):
        texts = original(self, starts, **options)
        written.append((starts, texts))
        return texts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Branches, "write", keep)
        probe_traces(model, processor, records, SAMPLES, probes=["partial"], max_answer_tokens=5)
    ((starts, texts),) = written
    first = {}
    for (row, _), (text, _) in zip(starts, texts, strict=True):
        first.setdefault(row, text)
    assert [module.NO_THINKING + first[k] for k in range(4)] == [row["response"] for row in alone.rows]


@pytest.fixture(scope="module")
def mini():
    from vlaa_helpers import get_profile

    return load_policy(get_profile("mini"), trainable=False)


def test_the_mini_policy_in_four_bits(mini):
    """Careful traces of true facts: the answer comes with them, and most of its information with the last step."""
    records = make_scenes(12, split="validation", sources=("blocks", "functions"), seed=3)
    responses = [
        response_styles.respond(
            row["source"], meta["facts"], meta["task"], Random(0), style="careful", keep_format=True
        )
        for row in records.remove_columns("image")
        for meta in [json.loads(row["meta"])]
    ]
    model, processor = mini
    model.train()
    report = probe_traces(model, processor, records, responses, batch_size=16)
    assert model.training
    model.eval()
    traces, cuts = report.traces, report.cuts
    assert traces["problem"].isna().all() and (traces["tokens"] * 2 < traces["tokens_alone"]).all()
    assert traces["whole_correct"].mean() > 0.8 > traces["no_think_correct"].mean() and traces["aoc"].mean() > 0.5
    assert cuts.groupby("trace")["gain_correct"].last().mean() > 1 and traces["gain_correct"].mean() > 1
    assert traces["changed"].sum() > 0 and set(traces["follows"].dropna()) == {0, 1}  # it reads the image at times
    assert "12 of 12 traces probed" in str(report)
    table = analyze_traces(responses, records).join(report.traces[[*TRACE_COLUMNS]])
    assert len(table) == 12 and table["gain_correct"].notna().all()
    summary = report.by_source
    assert summary.loc[("all", "aoc"), "n"] == 12 and (summary["low"] <= summary["high"]).all()


# ---- what is taken, and kept ----


def test_responses_that_cannot_be_cut_have_a_reason(tiny, records):
    texts = ["<answer>3</answer>", "<think>3", "<think>…</think><answer>A</answer>", "<think>3.</think> It is 3."]
    report = probe_traces(*tiny, records, texts)
    assert report.traces["problem"].tolist() == ["no_think", "unclosed_think", "no_step", "no_answer"]
    assert report.traces[["aoc", "gain_given", "changed"]].isna().all(axis=None)
    cuts = report.cuts
    assert list(cuts.columns) == ["trace", "id", "source", *CUT_COLUMNS] and len(cuts) == 4
    assert cuts[[*CUT_COLUMNS]].isna().all(axis=None)
    assert report.traces["given_correct"].notna().all() and "0 of 4 traces probed" in str(report)


def test_responses_that_cannot_be_probed_are_counted(tiny, records):
    """Of three that answer right, wrong and not at all, all count in `of`, and the last one is not right."""
    asked = records.select([0, 0, 0])
    right = f"<think>I look. So it is that.</think><answer>{records[0]['gt']}</answer>"
    texts = [right, "<think>I look.</think><answer>no answer of this kind</answer>", "<think>I look."]
    report = probe_traces(*tiny, asked, texts, probes=["steps"])
    assert report.traces["outcome"].tolist() == ["right", "wrong", "no answer"]
    source = records[0]["source"]
    found = report.by_source
    assert found.loc[(source, "given_correct"), ["n", "of"]].tolist() == [3, 3]
    assert found.loc[("all", "given_correct"), "mean"] == pytest.approx(1 / 3)
    assert found.loc[("all", "gain_correct"), ["n", "of"]].tolist() == [2, 3]
    found = report.by_outcome
    assert list(found.index.unique("outcome")) == ["right", "wrong", "no answer", "all"]
    assert found.loc[("no answer", "gain_correct"), ["n", "of"]].tolist() == [0, 1]
    assert math.isnan(found.loc[("no answer", "gain_correct"), "mean"])
    gains = report.traces["gain_correct"]
    assert found["mean"][[("right", "gain_correct"), ("wrong", "gain_correct")]].tolist() == gains[:2].tolist()
    assert "changed" not in found.index.unique("measure")  # not asked for
    assert "2 of 3 traces probed" in str(report) and "not: unclosed_think 1" in str(report)


def test_the_last_step_is_left_out_of_what_came_before_it(tiny, records):
    texts = ["<think>I look. I see it. So it is 3.</think><answer>3</answer>", "<think>3.</think><answer>3</answer>"]
    report = probe_traces(*tiny, records.select([0, 1]), texts, probes=["steps"])
    long, short = report.traces["gain_correct_before_last"]
    gains = report.cuts["gain_correct"][report.cuts["trace"] == 0].tolist()
    assert long == pytest.approx(gains[1] + gains[2]) != pytest.approx(sum(gains[1:])) and math.isnan(short)


def test_words_that_stand_for_images_are_no_trace(tiny, records):
    (row, _) = probe_traces(
        *tiny, records.select([0, 1]), [SAMPLES[0].replace("red", "<|image_pad|>"), SAMPLES[0]], probes=["partial"]
    ).rows
    assert row["problem"] == "picture_token" and row["cuts"] == []


def test_rows_of_a_report_in_any_order(tiny, records):
    ids = records["id"][:]
    rows = [{"id": ids[k], "response": SAMPLES[k]} for k in (2, 0, 2)]
    report = probe_traces(*tiny, records, rows, probes=["steps"])
    assert report.traces["id"].tolist() == [ids[2], ids[0], ids[2]]
    assert report.rows[0]["cuts"] == report.rows[2]["cuts"]


def untimed(report):
    names = ("seconds", "tokens", "tokens_alone")  # what shares a batch shares the cost of a prompt
    return [{name: value for name, value in row.items() if name not in names} for row in report.rows]


def test_interrupted_probing_goes_on(tiny, records, tmp_path, monkeypatch):
    options = {"max_answer_tokens": 2, "max_new_tokens": 2}
    expected = probe_traces(*tiny, records, SAMPLES, batch_size=2, **options)
    original, calls = module._Prober.rows, []

    def stop(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module._Prober, "rows", stop)
        with pytest.raises(KeyboardInterrupt):
            probe_traces(*tiny, records, SAMPLES, batch_size=2, **options, out=tmp_path)
    with pytest.raises(ValueError, match="holds 2 of 4 traces; the same probe_traces"):
        load_probes(tmp_path)
    with (tmp_path / "responses.jsonl").open("a") as file:
        file.write('{"id": "cut sh')
    report = probe_traces(*tiny, records, SAMPLES, batch_size=2, **options, out=tmp_path)
    assert untimed(report) == untimed(expected) and load_probes(tmp_path) == report
    with pytest.raises(ValueError, match="holds another probing: its seed differ"):
        probe_traces(*tiny, records, SAMPLES, **options, seed=1, out=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"as probe_traces\(out=…\) writes"):
        load_probes(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("responses", "options", "error", "message"),
    [
        ("<think>", {}, TypeError, "responses is one string"),
        ([], {}, ValueError, "nothing to probe"),
        (SAMPLES[:3], {}, ValueError, "3 responses and 4 records"),
        ([{"id": "k", "response": "a"}], {}, ValueError, "no record has the id 'k'"),
        (
            SAMPLES,
            {"probes": ["partial", "thinking"]},
            ValueError,
            r"any of partial, steps, corrupted; got \['thinking'\]",
        ),
        (SAMPLES, {"probes": []}, ValueError, "got none"),
        (SAMPLES, {"batch_size": 0}, ValueError, "at least 1"),
    ],
)
def test_bad_input(tiny, records, responses, options, error, message):
    with pytest.raises(error, match=message):
        probe_traces(*tiny, records, responses, **options)


# ---- the parts ----


@pytest.mark.parametrize(
    ("response", "opening", "trace", "closing"),
    [
        ("<think>So. No</think>\n<answer>3</answer>", "<think>", "So. No", "</think>\n<answer>"),
        ("<think>\nSo. No\n</think>\n\n<answer> 3</answer>", "<think>\n", "So. No", "\n</think>\n\n<answer> "),
        ("So. No</think><answer>3</answer>", "", "So. No", "</think><answer>"),
        ("So. No <THINK>So. No</THINK>It is 3.<answer>3</answer>", "So. No <THINK>", "So. No", "\n</think>\n<answer>"),
    ],
)
def test_a_response_is_cut_as_it_was_written(response, opening, trace, closing):
    assert cut_response(response) == Parts(opening, trace, closing, "3", (3, 6))


@pytest.mark.parametrize(
    ("kind", "a", "b", "same"),
    [
        ("digit", "3", "three", True),
        ("digit", "3", "4", False),
        ("digit", "3", "a few", False),
        ("choice", "B", "blue", True),
        ("choice", "b)", "B", True),
        ("choice", "red", "B", False),
        ("choice", "unsure", "unclear", False),
        ("math", "y = 2x + 1", "y = 1 + 2x", True),
        ("math", "y = 2x + 1", "y = 2x", False),
        ("box", "[0, 0, 0.5, 0.5]", "[0, 0, 0.5, 0.6]", True),
        ("box", "[0, 0, 0.5, 0.5]", "[0.5, 0.5, 1, 1]", False),
        ("box", "[0, 0, 0.5, 0.5]", "there", False),
        ("open_ended", "It is  day.", "it is day.", True),
        ("open_ended", "It is day.", "It is night.", False),
    ],
)
def test_same_answer(kind, a, b, same):
    record = {"verifier_type": kind, "question": "Which? red (A), blue (B).", "meta": "{}"}
    assert same_answer(a, b, record, MixedReward()) == same_answer(b, a, record, MixedReward()) == same


def test_correct_answers():
    record = {"verifier_type": "choice", "question": "Which? red (A), blue (B).", "gt": "B"}
    assert correct_answers(record) == ["B", "blue"]
    assert correct_answers({**record, "question": "Which?"}) == ["B"]
    assert correct_answers({**record, "verifier_type": "digit", "gt": " 3"}) == ["3"]
