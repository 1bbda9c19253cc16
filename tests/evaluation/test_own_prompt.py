import pytest

from vlaa_helpers import evaluate, load_policy, make_scenes
from vlaa_helpers.core.answers import SYSTEM_PROMPT
from vlaa_helpers.evaluation.own_prompt import free_answer, own_prompt, with_tags
from vlaa_helpers.policy.generation import chat_inputs


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Two and one.\nSo \\boxed{3}", "3"),
        ("\\boxed{4} is wrong, so \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("an open \\boxed{3", None),
        ("The answer is **B**.", "B"),
        ("The correct option is (C) because of the angle", "(C) because of the angle"),
        ("Answer: 12 cm", "12 cm"),
        ("The answer is A. No, wait: the answer is B.", "B"),
        ("**Answer:** B", "B"),
        ("B. 40", "B. 40"),
        ("3", "3"),
        ("Long text.\n**42**", "42"),
        ("This line goes on and on for many more words than any answer has ever had", None),
        ("<think>the answer is 4</think> 5", "5"),
        ("", None),
    ],
)
def test_the_answer_in_free_text(text, answer):
    assert free_answer(text) == answer


def test_a_response_that_was_cut_off_has_an_answer_only_where_it_says_so():
    assert free_answer("we add 2 and", truncated=True) is None
    assert free_answer("The answer is 3. Let me check: 2 and", truncated=True) == "3"
    assert free_answer("\\boxed{3} since", truncated=True) == "3"


def test_tags_that_are_there_are_kept():
    assert with_tags("<think>a</think><answer>3</answer>") == "<think>a</think><answer>3</answer>"
    assert with_tags("so \\boxed{3}") == "<answer>3</answer>"
    assert with_tags("I cannot tell from the image what was asked here, and I do not want to guess it.").startswith(
        "I "
    )


def test_the_own_prompt_has_no_words_of_ours(tiny_profile):
    record = {"question": "How many?", "verifier_type": "digit"}
    messages = own_prompt(record, has_image=True)
    assert [message["role"] for message in messages] == ["user"]
    assert messages[0]["content"][0]["type"] == "image"
    assert messages[0]["content"][1]["text"].startswith("How many?\n") and "tags" not in str(messages)
    assert "letter of the right option" in str(own_prompt({**record, "verifier_type": "choice"}, has_image=False))


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile)


def test_a_model_is_asked_with_the_prompt_that_is_named(policy, monkeypatch, tmp_path):
    asked = []

    def noted(model, processor, prompts, images, sampling):
        texts = [processor.apply_chat_template(prompt, tokenize=False) for prompt in prompts]
        asked.extend(texts)
        chat_inputs(model, processor, prompts, images)  # the images fit the placeholders
        return [("It is clear. The answer is 3.", 9, False)] * len(prompts)

    monkeypatch.setattr("vlaa_helpers.policy.generation.generate_responses", noted)
    records = make_scenes(4, sources="blocks", split="test")
    reports = {p: evaluate(*policy, records, prompt=p, out=tmp_path / p, max_new_tokens=4) for p in ("ours", "own")}
    assert all(SYSTEM_PROMPT in text for text in asked[:4]) and not any(SYSTEM_PROMPT in text for text in asked[4:])
    right = sum(gt == "3" for gt in records["gt"]) / 4
    assert reports["ours"].accuracy == 0 and reports["ours"].format_failures == 1
    assert reports["own"].accuracy == right and reports["own"].format_failures == 0
    assert {row["answer"] for row in reports["own"].rows} == {"3"} and not any(
        row["is_strict"] for row in reports["own"].rows
    )
    assert (reports["ours"].prompt, reports["own"].prompt) == ("ours", "own")
    assert "the model's own prompt" in str(reports["own"]) and "prompt" not in str(reports["ours"])
    with pytest.raises(ValueError, match="another evaluation: its prompt differ"):
        evaluate(*policy, records, out=tmp_path / "own", max_new_tokens=4)
    with pytest.raises(ValueError, match='which prompt="own" does not have'):
        evaluate(*policy, records, prompt="own", think=False)
