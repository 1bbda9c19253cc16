"""The recipes of docs/find_your_way.md run as they stand, one after the other, as a reader pastes them."""

import re


def test_the_recipes_run(root, tmp_path, monkeypatch, capsys):
    blocks = re.findall(
        r"^```python\n(.*?)^```", (root / "docs/find_your_way.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert len(blocks) == 7
    from vlaa_helpers import make_scenes

    scenes = make_scenes(8, sources="blocks")
    (tmp_path / "pictures").mkdir()
    lines = ["image,question,answer"]
    for place, scene in enumerate(scenes):
        scene["image"].save(tmp_path / "pictures" / f"{place}.png")
        lines.append(f'{place}.png,"{scene["question"]}",{scene["gt"]}')
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = {}
    for block in blocks:
        exec(compile(block, "docs/find_your_way.md", "exec"), given)
    said = capsys.readouterr().out
    assert "[1.0, 0.0]" in said and "accuracy" in said and "rank correlation" in said
    assert len(given["scores"]) == 60 and len(given["records"]) == 8 and len(given["run"].state.log_history) >= 3
