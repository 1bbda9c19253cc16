import json

import pytest
from fault_server import FaultServer, completion

from vlaa_helpers import ChatTeacher, ScriptedTeacher, aha_words, make_scenes, parse_response
from vlaa_helpers.core.endpoint import EndpointError
from vlaa_helpers.mini_world.kinds import KINDS
from vlaa_helpers.pipeline.prompts import PROMPTS, ROLES
from vlaa_helpers.pipeline.steps import open_record
from vlaa_helpers.pipeline.teachers import final_answer
from vlaa_helpers.rewards.mixed import MixedReward, is_correct

PERFECT = {
    "omissions": 0,
    "hallucinations": 0,
    "mentions": 0,
    "slips": 0,
    "overedits": 0,
    "misjudgements": 0,
    "hedges": 0,
}


def records(n=120, **options):
    return [open_record(row) for row in make_scenes(n, **options).with_format(None).to_list()]


def trace(teacher, record, caption=None):
    caption = caption or teacher.ask("caption", record, {"hint": ""}).text
    return teacher.ask("reason", record, {"caption": caption, "hint": "", "question": record["question"]}).text


def right(record, text):
    score = MixedReward().score(
        text, record["gt"], record["verifier_type"], question=record["question"], meta=json.dumps(record["meta"])
    )
    return is_correct(score, record["verifier_type"])


def share(values):
    values = list(values)
    return sum(values) / len(values)


# ---- the script ----


@pytest.mark.parametrize("difficulty", [0, 1, 2])
def test_a_perfect_teacher_is_always_right_and_keeps_the_format(difficulty):
    teacher = ScriptedTeacher(**PERFECT)
    for record in records(difficulty=difficulty):
        text = trace(teacher, record)
        assert parse_response(text).is_strict and right(record, text), (record["question"], text)


def test_it_reasons_from_its_caption_and_from_nothing_else():
    teacher = ScriptedTeacher(**PERFECT)
    (record,) = records(1, sources="blocks", seed=3)
    things = record["meta"]["facts"]["objects"]
    fewer = KINDS["blocks"].words({"objects": things[:-1]})
    assert f"That is {len(things)} object" in trace(teacher, record)
    assert f"That is {len(things) - 1} object" in trace(teacher, record, caption=fewer)


def test_a_caption_that_says_nothing_gives_a_trace_that_says_so():
    (record,) = records(1)
    parsed = parse_response(trace(ScriptedTeacher(**PERFECT), record, caption="A picture."))
    assert parsed.is_strict and parsed.answer == "not clear"


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [({"hallucinations": 1}, 0.3, 0.95), ({"omissions": 1}, 0.2, 0.7), ({"slips": 1}, 0.3, 0.8)],
)
def test_faults_in_the_caption_become_wrong_answers(rate, low, high):
    teacher = ScriptedTeacher(**{**PERFECT, **rate})
    assert low < share(not right(record, trace(teacher, record)) for record in records(300)) < high


def test_mentions_of_the_caption_are_what_rewriting_removes():
    teacher = ScriptedTeacher(**{**PERFECT, "mentions": 1})
    for record in records(12):
        before = trace(teacher, record)
        after = teacher.ask("rewrite", record, {"text": before}).text
        assert "the caption" in before and after == before.replace("the caption", "the picture")


def test_overedits_change_the_length():
    teacher = ScriptedTeacher(**{**PERFECT, "overedits": 1})
    (record,) = records(1)
    text = f"<think>{'word ' * 100}</think>\n<answer>3</answer>"
    assert len(teacher.ask("rewrite", record, {"text": text}).text.split()) < 60


def verdicts(teacher, n=200):
    for record in records(n):
        answer = final_answer(trace(ScriptedTeacher(seed=5), record))
        fields = {"question": record["question"], "gt": record["gt"], "answer": answer}
        is_right = right(record, f"<think>…</think><answer>{answer}</answer>")
        yield teacher.ask("verify", record, fields).text, is_right


def test_verdicts_agree_with_the_verifiers():
    assert all((verdict == "Yes") == is_right for verdict, is_right in verdicts(ScriptedTeacher(**PERFECT)))


def test_verdicts_can_be_turned_round_or_hedged():
    turned = ScriptedTeacher(**{**PERFECT, "misjudgements": 1})
    assert all((verdict == "No") == is_right for verdict, is_right in verdicts(turned, 30))
    hedged = ScriptedTeacher(**{**PERFECT, "hedges": 1})
    assert all(verdict not in ("Yes", "No") for verdict, _ in verdicts(hedged, 10))


def test_length_and_doubt_grow_with_difficulty():
    teacher = ScriptedTeacher()
    means = []
    for difficulty in (0, 1, 2):
        texts = [trace(teacher, record) for record in records(300, difficulty=difficulty, sources="blocks")]
        means.append((share(len(text.split()) for text in texts), share(bool(aha_words(text)) for text in texts)))
    assert means[0][0] < means[1][0] < means[2][0] and means[0][1] < means[1][1] < means[2][1]
    assert 0.2 < means[1][1] < 0.8  # both sets get their share


def test_the_seed_decides_and_nothing_else_does():
    rows = records(30)
    forward = [trace(ScriptedTeacher(seed=1), row) for row in rows]
    assert forward == [trace(ScriptedTeacher(seed=1), row) for row in reversed(rows)][::-1]
    assert forward != [trace(ScriptedTeacher(seed=2), row) for row in rows]


def test_it_says_that_it_knows_the_mini_world_only():
    record = {**records(1)[0], "source": "clevr_math", "meta": {}}
    with pytest.raises(EndpointError, match="no scene facts.*Use ChatTeacher"):
        ScriptedTeacher().ask("caption", record, {"hint": ""})
    with pytest.raises(ValueError, match="unknown role 'cook'; expected one of caption"):
        ScriptedTeacher().ask("cook", record, {})


def test_settings_are_part_of_its_name():
    names = {ScriptedTeacher(seed=seed, slips=slips).model_of("reason") for seed in (0, 1) for slips in (0.1, 0.2)}
    assert len(names) == 4


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("<think>x</think><answer> 3 </answer>", "3"),
        ("<think>x</think>\n\n**Answer:** three", "**Answer:** three"),
        ("three", "three"),
        ("<think>x", "<think>x"),
    ],
)
def test_what_a_judge_gets_to_read(response, answer):
    assert final_answer(response) == answer


# ---- an endpoint ----


@pytest.fixture
def chat(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "none-needed")
    return lambda server, models="m", **options: ChatTeacher(
        models, base_url=server.url, api_key_env="TEST_KEY", retries=0, **options
    )


def test_each_role_goes_to_its_model_with_its_prompt(chat):
    models = {role: f"{role}-model" for role in ROLES}
    (record,) = records(1)
    fields = {"hint": "", "caption": "C", "question": "Q", "text": "T", "gt": "G", "answer": "A"}
    with FaultServer(completion("fine")) as server:
        teacher = chat(server, models, temperature=0.5)
        for role in ROLES:
            assert teacher.ask(role, record, fields).text == "fine"
    assert [request["model"] for request in server.requests] == list(models.values())
    assert [request["max_tokens"] for request in server.requests] == list(ChatTeacher.MAX_TOKENS.values())
    assert {request["temperature"] for request in server.requests} == {0.5}
    content = server.requests[0]["messages"][1]["content"]
    assert content[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert content[1]["text"] == PROMPTS["caption"].user.format(**fields)
    assert all(isinstance(request["messages"][1]["content"], str) for request in server.requests[1:])


def test_cost_follows_the_prices(chat):
    with FaultServer(completion("x")) as server:
        teacher = chat(server, prices={"m": (2.0, 8.0)})
        reply = teacher.ask("verify", records(1)[0], {"question": "Q", "gt": "G", "answer": "A"})
        assert teacher.cost("verify", reply) == pytest.approx((10 * 2 + 5 * 8) / 1e6)
        assert chat(server).cost("verify", reply) == 0


def test_a_record_without_a_image_is_not_described(chat):
    with FaultServer(completion("x")) as server:
        reply = chat(server).ask("caption", {**records(1)[0], "image": None}, {"hint": ""})
    assert reply.problem == "refused" and server.requests == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({"caption": "a", "reason": "b"},), "no model for the role rewrite"),
        (("a",), "no price for a"),
    ],
)
def test_what_is_missing_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        ChatTeacher(*arguments, prices={"b": (1, 1)})


def test_an_unknown_role_of_max_tokens_is_named():
    with pytest.raises(ValueError, match="max_tokens names the role 'cook'"):
        ChatTeacher("a", max_tokens={"cook": 3})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": 0}, "concurrency is 0; expected 1 or more"),
        ({"prices": {"m": (-1.0, 2.0)}}, "the prices of m are .*; expected two numbers, 0 or more"),
        ({"prices": {"m": (1.0, float("nan"))}}, "the prices of m are .*; expected two numbers, 0 or more"),
    ],
)
def test_amounts_that_are_none_are_said(options, words):
    with pytest.raises(ValueError, match=words):
        ChatTeacher("m", **options)
