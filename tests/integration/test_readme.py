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
