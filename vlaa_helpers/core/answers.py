"""Think and answer tags: what a response looks like, and how to read one.

VLAA-Thinking trains and evaluates on `<think>…</think><answer>…</answer>` (arXiv 2504.11468, Appendix B, figure 12).
Rewards and accuracy depend on how strictly that is read, so there are two readings here: *strict* (the layout and
nothing else) and *lenient* (an answer can be told without guessing). The paper gives neither rule: both are ours.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SYSTEM_PROMPT = (
    "You answer questions about pictures. Think first between <think> and </think>, "
    "then give only the result between <answer> and </answer>."
)
"""Asks for the same as the paper's (figure 12), in our own words and shorter: a small model pays for each token."""

DIRECT_PROMPT = "You answer questions about pictures. Give only the result between <answer> and </answer>."
"""The no-think control: the same task, answered at once."""

# Possessive quantifiers: no backtracking, so a megabyte of "<" and blanks takes linear time.
_TAG = re.compile(r"<\s*+(/?)\s*+(think|answer)\s*+>", re.IGNORECASE | re.ASCII)
_EXACT_TAGS = frozenset({"<think>", "</think>", "<answer>", "</answer>"})


class FormatProblem(StrEnum):
    """Why a response is not strict. The first six also mean that it has no answer.

    no_answer: no answer block outside the thinking.
    several_answers: more than one, even if they say the same: listing answers is the classic reward hack.
    empty_answer: an answer block with nothing in it.
    nested_answer: a tag inside an answer block.
    unclosed_answer: an answer block that never ends.
    unclosed_think: thinking that never ends; an answer tag in it may be a mention, so it does not count.
    no_think: an answer without any thinking.
    several_thinks: more than one think block, or one inside another.
    empty_think: a think block with nothing in it.
    unopened_think: `</think>` without `<think>`: the template may have written the opening tag (`prefilled_think`).
    answer_before_think: the blocks are in the wrong order.
    stray_tag: a closing tag that closes nothing.
    loose_tag: capitals or blanks inside a tag.
    text_outside_tags: words before, between or after the blocks.
    """

    NO_ANSWER = "no_answer"
    SEVERAL_ANSWERS = "several_answers"
    EMPTY_ANSWER = "empty_answer"
    NESTED_ANSWER = "nested_answer"
    UNCLOSED_ANSWER = "unclosed_answer"
    UNCLOSED_THINK = "unclosed_think"
    NO_THINK = "no_think"
    SEVERAL_THINKS = "several_thinks"
    EMPTY_THINK = "empty_think"
    UNOPENED_THINK = "unopened_think"
    ANSWER_BEFORE_THINK = "answer_before_think"
    STRAY_TAG = "stray_tag"
    LOOSE_TAG = "loose_tag"
    TEXT_OUTSIDE_TAGS = "text_outside_tags"


@dataclass(frozen=True)
class Response:
    """The parts of a response.

    Attributes:
        think: the thinking, stripped; several blocks are joined by an empty line; None without a think block.
        answer: the lenient answer, stripped and never empty; None when it cannot be told without guessing.
        is_strict: one think block, then one answer block, both non-empty, only blanks around them.
        problem: None when strict; else what to fix first, a lack of an answer before everything else.
    """

    think: str | None
    answer: str | None
    is_strict: bool
    problem: FormatProblem | None


def parse_response(text: str, *, prefilled_think: bool = False) -> Response:
    """Split a response into its thinking and its answer.

    The thinking runs from `<think>` to the first `</think>`; tags in it are mentions, not blocks. The lenient answer is
    the content of the one answer block outside the thinking. Any text is accepted, in time linear in its length.

    Args:
        text: what the model wrote, tags included.
        prefilled_think: the chat template ended the prompt with `<think>`, so the text starts inside the thinking.
            Without it, a `</think>` that nothing opened is read the same way, but is not strict.

    >>> parse_response("<think>2 + 1</think> <answer> 3 </answer>")
    Response(think='2 + 1', answer='3', is_strict=True, problem=None)
    >>> parse_response("<answer>3</answer> or <answer>4</answer>").problem
    <FormatProblem.SEVERAL_ANSWERS: 'several_answers'>
    >>> parse_response("2 + 1</think><answer>3</answer>", prefilled_think=True).is_strict
    True
    """
    tags = list(_TAG.finditer(text))
    first_think = next((tag for tag in tags if tag[2].lower() == "think"), None)
    unopened = not prefilled_think and first_think is not None and first_think[1] == "/"
    found = {FormatProblem.UNOPENED_THINK} if unopened else set()
    thinks, answers = [], []
    block = "think" if prefilled_think or unopened else None  # the block we are in
    start = 0  # where the current piece of text starts

    for tag in tags:
        closes, name = tag[1] == "/", tag[2].lower()
        if block is not None and not (closes and name == block):
            if block == "answer":
                found.add(FormatProblem.NESTED_ANSWER)
            elif name == "think":
                found.add(FormatProblem.SEVERAL_THINKS)
            continue  # inside a block, every other tag is part of the text
        piece = text[start : tag.start()].strip()
        start = tag.end()
        if tag[0] not in _EXACT_TAGS:
            found.add(FormatProblem.LOOSE_TAG)
        if block is not None:
            (thinks if block == "think" else answers).append(piece)
            block = None
            continue
        if piece:
            found.add(FormatProblem.TEXT_OUTSIDE_TAGS)
        if closes:
            found.add(FormatProblem.STRAY_TAG)
            continue
        if name == "think" and answers:
            found.add(FormatProblem.ANSWER_BEFORE_THINK)
        block = name

    rest = text[start:].strip()
    if block == "think":
        thinks.append(rest)
        found.add(FormatProblem.UNCLOSED_THINK)
    elif block == "answer":
        found.add(FormatProblem.UNCLOSED_ANSWER)
    elif rest:
        found.add(FormatProblem.TEXT_OUTSIDE_TAGS)
    return _response(thinks, answers, found)


def _response(thinks: list[str], answers: list[str], found: set[FormatProblem]) -> Response:
    unreadable = {FormatProblem.NESTED_ANSWER, FormatProblem.UNCLOSED_ANSWER, FormatProblem.UNCLOSED_THINK}
    answer = None
    if found & unreadable:
        pass
    elif not answers:
        found.add(FormatProblem.NO_ANSWER)
    elif len(answers) > 1:
        found.add(FormatProblem.SEVERAL_ANSWERS)
    elif not answers[0]:
        found.add(FormatProblem.EMPTY_ANSWER)
    else:
        answer = answers[0]
    if not thinks:
        found.add(FormatProblem.NO_THINK)
    elif len(thinks) > 1:
        found.add(FormatProblem.SEVERAL_THINKS)
    elif not thinks[0]:
        found.add(FormatProblem.EMPTY_THINK)
    problem = next(problem for problem in FormatProblem if problem in found) if found else None
    think = "\n\n".join(thinks) if thinks else None
    return Response(think=think, answer=answer, is_strict=problem is None, problem=problem)


def extract_answer(text: str, *, prefilled_think: bool = False) -> str | None:
    """The lenient answer of a response, or None: `parse_response(text).answer`.

    >>> extract_answer("It is <ANSWER>B</ANSWER>.")
    'B'
    >>> extract_answer("It is B.") is None
    True
    """
    return parse_response(text, prefilled_think=prefilled_think).answer


def completion_text(completion: str | Sequence[Mapping]) -> str:
    """The text of a completion as TRL hands it to a reward function.

    Args:
        completion: a string, or a message list whose contents are strings or lists of `{"type": "text", "text": …}`.
            Only what the assistant wrote counts; its turns are joined by a line break.

    Raises:
        TypeError: neither a string nor a list of messages.

    >>> completion_text([{"role": "assistant", "content": [{"type": "text", "text": "<answer>3</answer>"}]}])
    '<answer>3</answer>'
    """
    if isinstance(completion, str):
        return completion
    if not isinstance(completion, Sequence) or not all(isinstance(message, Mapping) for message in completion):
        raise TypeError(
            f"a completion is a string or a list of messages, got {type(completion).__name__}: {completion!r:.80}"
        )
    turns = [message for message in completion if message.get("role", "assistant") == "assistant"]
    return "\n".join(_content_text(message.get("content")) for message in turns)


def _content_text(content: object) -> str:
    if content is None:  # an assistant turn that only calls a tool
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence) and all(isinstance(part, Mapping) for part in content):
        return "".join(part.get("text") or "" for part in content if part.get("type", "text") == "text")
    raise TypeError(
        f"a message's content is a string or a list of parts, got {type(content).__name__}: {content!r:.80}"
    )
