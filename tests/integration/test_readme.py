"""The ten-line example of README.md runs, with fewer scenes and steps."""

import json
import re


def test_the_example_runs(root, tmp_path, monkeypatch, capsys):
    source = re.search(r"^```python\n(.*?)^```", (root / "README.md").read_text(), flags=re.M | re.S)[1]
    for full, small in [("make_scenes(480)", "make_scenes(8)"), ("make_scenes(60,", "make_scenes(6,"), ("=20", "=1")]:
        assert full in source, f"the example changed: no {full}"
        source = source.replace(full, small)
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "README.md", "exec"), {})
    assert capsys.readouterr().out.count("accuracy ") == 2
    assert json.loads((tmp_path / "my_adapter" / "adapter_config.json").read_text())["peft_type"] == "LORA"


def test_the_docs_count_the_labelled_answers(root):
    """How many there are, and how many are judged otherwise today, by the lists that the tests name them in."""
    from rewards import test_labelled_by_attack as attack
    from rewards import test_labelled_seventh_box as box
    from rewards import test_labelled_seventh_choice as choice
    from rewards import test_labelled_seventh_digit as digit
    from rewards import test_labelled_seventh_math as mathematics

    files = (root / "tests" / "samples").glob("labelled_*.jsonl")
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    lists = [*attack.STILL_WRONG.values(), box.STILL_REFUSED, choice.STILL_REFUSED, digit.STILL_WRONG]
    lists += [mathematics.STILL_REFUSED]
    text = " ".join((root / "docs/measured.md").read_text(encoding="utf-8").split())
    assert f"Of all {lines:,} labelled answers {sum(map(len, lists))} are judged otherwise" in text
