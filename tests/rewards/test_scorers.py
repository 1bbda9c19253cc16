import base64
import json
from io import BytesIO

import pytest
from fault_server import FaultServer, completion
from PIL import Image

from vlaa_helpers import JudgeScorer, MixedReward, RewardModelScorer, make_scenes, to_grpo
from vlaa_helpers.core.endpoint import ChatEndpoint, EndpointError
from vlaa_helpers.dev.mini_reward import MINI_REWARD
from vlaa_helpers.rewards.scorers import Question, preference_chat

STORY = json.dumps(
    {
        "facts": {
            "time": "day",
            "objects": [
                {"colour": "red", "shape": "circle", "place": "top left"},
                {"colour": "blue", "shape": "star", "place": "top right"},
            ],
        },
        "task": {"wanted": ["A red circle at the top left.", "A blue star at the top right.", "It is day."]},
    }
)
ASKED = Question("Describe the picture in words.", STORY)
FULL = "A red circle at the top left. A blue star at the top right. It is day."


# ---- a reward model ----


@pytest.fixture(scope="module")
def scorer():
    return RewardModelScorer(str(MINI_REWARD), batch_size=2)


def test_batches_and_padding_make_no_difference(scorer):
    answers = [FULL, "It is day.", "A red circle at the top left.", "", "It is night."]
    together = scorer([ASKED] * 5, answers)
    assert together == pytest.approx([scorer([ASKED], [answer])[0] for answer in answers], abs=1e-4)
    assert len(set(together)) == 5 and all(isinstance(score, float) for score in together)


def test_it_prefers_what_it_was_taught_to(scorer):
    full, short = scorer([ASKED, ASKED], [FULL, "It is day."])
    assert full > short


def test_it_serves_the_mixed_reward(scorer):
    reward = MixedReward(scorer=scorer)
    (value,) = reward(
        [f"<think>…</think><answer>{FULL}</answer>"],
        ["open_ended"],
        ["It is day."],
        meta=[STORY],
        question=[ASKED.text],
    )
    assert 0 < value < 1


def test_remote_code_needs_a_pinned_revision():
    for revision in (None, "main"):
        with pytest.raises(ValueError, match=r"pin what you have read: revision=<the 40 hex digits"):
            RewardModelScorer(str(MINI_REWARD), trust_remote_code=True, revision=revision)


def test_a_classifier_is_no_reward_model(tmp_path):
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForSequenceClassification

    config = Qwen2Config(
        vocab_size=64, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, num_labels=3,
    )  # fmt: skip
    Qwen2ForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(MINI_REWARD).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has 3 labels; a scalar reward model has one"):
        RewardModelScorer(str(tmp_path))


def test_what_a_text_model_reads_of_a_image():
    (user, assistant) = preference_chat(ASKED, "It is day.")
    assert user["content"].startswith("It is day. A red circle") and user["content"].endswith(ASKED.text)
    assert assistant == {"role": "assistant", "content": "It is day."}
    assert preference_chat(Question("What?", json.dumps({"caption": "A cat."})), "x")[0]["content"] == "A cat. What?"
    assert preference_chat(Question("What?"), "x")[0]["content"] == "What?"


# ---- a judge ----


@pytest.fixture
def judge(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "none")
    return lambda server: JudgeScorer("m", ChatEndpoint(server.url, api_key_env="TEST_KEY", retries=1, timeout=2))


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("7", 7.0),
        (" 10.\n", 10.0),
        ("0", 0.0),
        ("11", None),
        ("007", None),
        ("9" * 5000, None),
        ("7/10", None),
        ("good", None),
        ("-3", None),
        ("", None),
    ],
)
def test_only_a_number_from_0_to_10_is_a_score(judge, said, score):
    with FaultServer(completion(said)) as server:
        assert judge(server)([ASKED], ["It is day."]) == [score]
    text = server.requests[0]["messages"][1]["content"]
    assert ASKED.text in text and "Answer: It is day." in text


@pytest.mark.parametrize("sees", [True, False])
def test_a_judge_may_see_the_images(judge, sees):
    """Of the record, as the trainer hands them to the reward."""
    record = to_grpo(make_scenes(1, sources=["stories"]))[0]
    with FaultServer(completion("7"), completion("3")) as server:
        scorer = judge(server)
        scorer.sees_images = sees
        columns = {name: [record[name]] for name in ("verifier_type", "gt", "question", "meta", "images")}
        assert MixedReward(scorer=scorer)(["<answer>It is day.</answer>"], **columns)[0] > 0
    for request in server.requests:
        content = request["messages"][1]["content"]
        if not sees:
            assert record["question"] in content
            continue
        image, text = content
        kind, _, data = image["image_url"]["url"].partition(";base64,")
        assert kind == "data:image/png" and record["question"] in text["text"]
        shown = Image.open(BytesIO(base64.b64decode(data))).convert("RGB")
        assert shown.tobytes() == record["images"][0].convert("RGB").tobytes()
    assert len(server.requests) == 2


def test_a_judge_that_fails_leaves_the_sample_out(judge):
    with FaultServer(500) as server:
        reward = MixedReward(scorer=judge(server))
        assert reward(["<answer>It is day.</answer>"], ["open_ended"], ["x"], meta=[STORY]) == [None]
    assert len(server.requests) == 4  # answer and reference, each tried twice


def test_a_wrong_key_is_an_error_not_a_sample_left_out(judge):
    with FaultServer(401) as server, pytest.raises(EndpointError, match="does not accept the key"):
        judge(server)([ASKED], ["It is day."])
