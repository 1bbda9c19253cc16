import json
import re
import shutil

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.errors import HfHubHTTPError
from run_folders import write_log, write_run

from vlaa_helpers import ScriptedTeacher, build_dataset, cli, load_policy, make_scenes, plan_push, push, train_sft
from vlaa_helpers.core.origin import note_origin
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.policy.adapters import save_policy


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_profile, with_traces):
    """A training of two steps, as `vlaa sft` leaves it, on a base with the name of one of the package's own."""
    folder = tmp_path_factory.mktemp("sft")
    base = shutil.copytree(tiny_profile.model, tmp_path_factory.mktemp("bases") / "mini_vlm_weak")
    tiny_profile = tiny_profile.replace(model=str(base))
    model, processor = load_policy(tiny_profile)
    records = with_traces(make_scenes(12, seed=1))
    settings = {"max_steps": 2, "learning_rate": 0.01, "output_dir": str(folder)}
    trainer = train_sft(model, processor, records, tiny_profile, batch_size=4, **settings)
    save_policy(trainer.model, processor, folder / "adapter")
    return folder


def write_adapter(folder, base="Qwen/Qwen2.5-VL-3B-Instruct"):
    """A folder with what an adapter needs, as others save it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base, "peft_type": "LORA"}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def reports(tmp_path):
    """Two evaluations of the same six records: all wrong, and all but one right."""
    records = list(scene_records(6, seed=3))
    right = [f"<think>I see it.</think><answer>{record['gt']}</answer>" for record in records]
    wrong = ["<think>I see it.</think><answer>none of them</answer>"] * 6
    return [
        f"base={write_run(tmp_path / 'a', records, wrong)}",
        f"tuned={write_run(tmp_path / 'b', records, [*right[:5], *wrong[:1]])}",
    ]


def test_a_plan_says_what_would_go_and_asks_no_network(run, reports, small_hub, tmp_path):
    plan = plan_push(run, "me/my-adapter", evaluations=reports)
    assert small_hub.requests == []
    assert {"adapter_config.json", "adapter_model.safetensors", "training.json", "log.csv"} < set(plan.files)
    assert not {"README.md", "card.md", "training_args.bin"} & set(plan.files)
    assert plan.card_path.read_text() == plan.card and plan.licence == "apache-2.0"
    size = (run / "adapter" / "adapter_model.safetensors").stat().st_size / 2**20
    assert f"adapter_model.safetensors  {size:.2f} MiB" in str(plan)
    assert str(plan).startswith(f"model me/my-adapter: {len(plan.files)} files, ")


def test_the_card_is_filled_from_the_run_s_files(run, reports):
    card = plan_push(run, "me/my-adapter", evaluations=reports).card
    data = ModelCard(card).data
    assert (data.license, data.library_name, data.base_model) == ("apache-2.0", "peft", None)
    assert "A LoRA adapter on" in card and "trained by SFT" in card
    assert "12 records, by verifier: box 2, choice 4, digit 2, math 2, open_ended 2." in card
    assert "| max_steps | 2 | set for this run |" in card and "| learning_rate | 0.01 | set for this run |" in card
    assert "| batch_size | 4 | set for this run |" in card and "| vision tower | frozen | paper §3.1 |" in card
    assert "| step | 2 |" in card
    assert "| base | ours | all | 6 | 0.0% | 0.0% to 39.0% | 0.0% | 0.0% |" in card
    assert "tuned against base, paired: +" in card and "n = 6 paired items" in card
    assert "The base is a toy" in card and "set for this run" in card


def test_the_card_names_the_data_set(tiny_profile, with_traces, tmp_path):
    model, processor = load_policy(tiny_profile)
    records = with_traces(make_scenes(12, seed=1))
    note_origin(
        records, data="UCSC-VLAA/VLAA-Thinking", file="VLAA-Thinking-SFT-126K.json", commit="c0ffee" + "0" * 34,
        first_of_archives=True, sources=["clevr_math"], limit=600, left_out={"bad_gt": 3},
    )  # fmt: skip
    settings = {"max_steps": 1, "output_dir": str(tmp_path), "seed": 7}
    trainer = train_sft(model, processor, records.shuffle(seed=0), tiny_profile, batch_size=4, **settings)
    save_policy(trainer.model, processor, tmp_path / "adapter")
    card = plan_push(tmp_path, "me/my-adapter").card
    assert ModelCard(card).data.datasets == ["UCSC-VLAA/VLAA-Thinking"] and "Seed 7; one run." in card
    assert "VLAA-Thinking-SFT-126K.json at commit c0ffee000000; sources clevr_math; at most 600 records." in card
    assert "first of each archive of images, no random sample. Rows left out: bad_gt 3." in card


def test_no_path_of_this_machine_is_published(run, tmp_path):
    plan = plan_push(run, "me/my-adapter")
    config = json.loads(plan.files["adapter_config.json"])
    kept = json.loads((run / "adapter" / "adapter_config.json").read_text())
    assert kept["base_model_name_or_path"].startswith("/") and "/" not in config["base_model_name_or_path"]
    texts = [plan.card, *(file.decode() for file in plan.files.values() if isinstance(file, bytes))]
    texts += [plan.files[name].read_text() for name in ("training.json", "log.csv")]
    assert not any(str(run) in text or kept["base_model_name_or_path"] in text for text in texts)


def test_no_key_of_a_run_is_published(tmp_path):
    """A run of an earlier version, whose note holds all that the caller set."""
    write_adapter(tmp_path / "adapter")
    secrets = ("hf_secret", "sesame", "/srv/ann", "D:\\\\Models")
    given = {"hub_token": "hf_secret", "deepspeed": "/srv/ann/ds.json", "hub_args": "--t hf_secret", "max_steps": 2}
    given |= {"vllm_server_base_url": "http://ann:sesame@host:8000", "model_init_kwargs": {"token": "sesame"}}
    given |= {"logging_dir": "D:\\Models\\ann"}
    recipe = [{"setting": "hub_token", "value": None, "source": "ours"}]
    note = {"method": "SFT", "base": "/srv/ann/base", "records": 1, "sources": {"a": 1}, "recipe": recipe}
    note |= {"given": given, "data": [{"data": "/srv/ann/mine.jsonl"}], "ids": ["/srv/ann/1.png"]}
    (tmp_path / "training.json").write_text(json.dumps(note))
    write_log(tmp_path, [{"step": 1, "loss": "see /srv/ann/log"}])
    assert all(secret in (tmp_path / "training.json").read_text() for secret in secrets)
    plan = plan_push(tmp_path, "me/x", licence="mit")
    sent = {name: file if isinstance(file, bytes) else file.read_bytes() for name, file in plan.files.items()}
    for name, content in {**sent, "card": plan.card.encode()}.items():
        assert not [secret for secret in secrets if secret.encode() in content], name
    assert "| max_steps | 2 | set for this run |" in plan.card and "| deepspeed | ds.json |" in plan.card
    assert "Sent without the keys, passwords and local paths that are in it here: training.json, log.csv." in str(plan)
    assert json.loads(sent["training.json"])["given"]["vllm_server_base_url"] == "http://host:8000"
    assert "may show a key" not in str(plan)


def test_a_mended_card_with_a_path_is_warned_of(tmp_path):
    card = plan_push(write_adapter(tmp_path), "me/x", licence="mit").card_path
    card.write_text(card.read_text() + "Logs: /srv/ann/logs\n")
    assert "card.md may show a key or a path of this machine" in str(plan_push(tmp_path, "me/x"))


def test_a_stranger_s_note_above_is_not_sent(tmp_path):
    """The folder above an adapter may be that of another run."""
    row = {"setting": "beta", "value": 0.1, "source": "ours"}
    note = {"method": "GRPO", "base": "a/b", "records": 1, "sources": {"a": 1}, "recipe": [row]}
    (tmp_path / "training.json").write_text(json.dumps(note))
    write_log(tmp_path, [{"step": 7, "loss": 0.5}])
    plan = plan_push(write_adapter(tmp_path / "mine"), "me/x", licence="mit")
    assert not {"training.json", "log.csv"} & set(plan.files) and "trained by GRPO" not in plan.card
    own = plan_push(write_adapter(tmp_path / "adapter"), "me/x", licence="mit")
    assert {"training.json", "log.csv"} < set(own.files) and "trained by GRPO" in own.card
    lines = [line for line in str(own).splitlines() if f"from {tmp_path.resolve()}" in line]
    assert [line.split()[0] for line in lines] == ["training.json", "log.csv"]
    (tmp_path / "training.json").unlink()  # a log alone may be anyone's
    assert "log.csv" not in plan_push(tmp_path / "adapter", "me/x", licence="mit").files


def test_a_log_above_a_merged_model_is_not_sent(tmp_path):
    merged = tmp_path / "merged"
    merged.mkdir()
    (merged / "config.json").write_text("{}")
    (merged / "model.safetensors").write_bytes(b"weights")
    write_log(tmp_path, [{"step": 7, "loss": 0.5}])
    assert set(plan_push(merged, "me/x", licence="mit").files) == {"config.json", "model.safetensors"}


def test_what_is_not_known_is_said(tmp_path, small_hub):
    bare = write_adapter(tmp_path / "bare")
    plan = plan_push(bare, "me/bare")
    assert "Not known: the run has no `training.json`." in plan.card and "Not evaluated: no report" in plan.card
    assert "No log was kept" in plan.card and "base_model: Qwen/Qwen2.5-VL-3B-Instruct" in plan.card
    assert plan.licence == "unknown" and "--license other" in str(plan)
    with pytest.raises(ValueError, match=r'me/bare has no licence yet.*plan_push\(…, licence="other"\)'):
        push(plan)
    assert small_hub.requests == []
    assert plan_push(bare, "me/bare", licence="mit").licence == "mit"


@pytest.mark.parametrize(
    ("base", "licence", "warns"),
    [
        ("Qwen/Qwen2.5-VL-3B-Instruct", "apache-2.0", True),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "other", False),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "apache-2.0", False),
    ],
)
def test_a_licence_that_allows_more_than_the_base_s(tmp_path, base, licence, warns):
    plan = plan_push(write_adapter(tmp_path, base), "me/bare", licence=licence)
    assert ("Qwen Research License, which allows no commercial use" in str(plan)) == warns


def test_a_push_commits_card_and_files_at_once(run, small_hub):
    plan = plan_push(run, "me/my-adapter")
    assert push(plan).startswith(small_hub.url)
    assert [(made["organization"], made["name"], made["visibility"]) for made in small_hub.created] == [
        ("me", "my-adapter", "private")
    ]
    (commit,) = small_hub.commits
    assert (commit["kind"], commit["name"]) == ("models", "me/my-adapter")
    assert set(commit["files"]) == {"README.md", *plan.files}
    assert commit["files"]["README.md"].decode() == plan.card
    weights = (run / "adapter" / "adapter_model.safetensors").read_bytes()
    assert commit["files"]["adapter_model.safetensors"] == weights


def test_what_was_pushed_loads_and_answers_alike(run, small_hub, tmp_path, tiny_profile):
    import torch

    push(plan_push(run, "me/my-adapter"))
    small_hub.repositories["models", "me/my-adapter"] = small_hub.commits[0]["files"]
    from huggingface_hub import snapshot_download

    folder = snapshot_download("me/my-adapter")
    here, there = (load_policy(tiny_profile, adapter=path)[0].state_dict() for path in (run / "adapter", folder))
    lora = [name for name in here if "lora_" in name]
    assert lora and all(torch.equal(here[name], there[name]) for name in lora)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses_commits_nothing(run, small_hub, status):
    small_hub.refuse = status
    with pytest.raises(HfHubHTTPError) as caught:
        push(plan_push(run, "me/my-adapter"))
    assert "Nothing was committed to me/my-adapter" in caught.value.__notes__[-1] and small_hub.commits == []


def test_a_build_is_pushed_as_a_dataset(tmp_path, small_hub):
    build_dataset(make_scenes(30, seed=3), ScriptedTeacher(seed=3), tmp_path / "built")
    plan = plan_push(tmp_path / "built", "me/my-data", licence="cc-by-4.0")
    assert plan.kind == "dataset" and {"sft.parquet", "rl.parquet", "yields.csv"} == set(plan.files)
    assert "| caption | " in plan.card and "| all | 30 |" in plan.card and "license: cc-by-4.0" in plan.card
    push(plan, private=False)
    assert small_hub.created[0]["type"] == "dataset" and small_hub.created[0]["visibility"] == "public"
    import io

    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(small_hub.commits[0]["files"]["sft.parquet"]))
    assert f"{table.num_rows} records for SFT" in plan.card and table["image"][0].as_py()["bytes"][:4] == b"\x89PNG"


def test_what_cannot_be_pushed(tmp_path, run):
    with pytest.raises(FileNotFoundError, match="holds no model; expected adapter/"):
        plan_push(tmp_path, "me/x")
    with pytest.raises(ValueError, match="expected OWNER/NAME"):
        plan_push(run, "my-adapter")
    with pytest.raises(FileNotFoundError, match="no report in"):
        plan_push(run, "me/x", evaluations=[str(tmp_path)])
    broken = tmp_path / "broken"
    (broken / "adapter").mkdir(parents=True)
    (broken / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "a/b"}')
    write_log(broken, [{"step": 1, "loss": 0.5}])
    (broken / "training.json").write_text("{")
    with pytest.raises(ValueError, match=r"training.json is broken.*the card then does without"):
        plan_push(broken, "me/x")


def test_reports_that_cannot_be_compared_are_not(run, reports, tmp_path):
    others = list(scene_records(4, seed=9))
    other = write_run(tmp_path / "c", others, ["<answer>1</answer>"] * 4)
    folder = write_run(tmp_path / "d", list(scene_records(6, seed=3)), ["<answer>1</answer>"] * 6)
    settings = json.loads((folder / "settings.json").read_text())
    about = {"benchmark": "ai2d", "repository": "lmms-lab/ai2d", "rows": 9, "left_out": {"bad_gt": 3}, "judged_by": {}}
    (folder / "settings.json").write_text(json.dumps({**settings, "prompt": "own", "about": about}))
    card = plan_push(run, "me/x", evaluations=[reports[0], f"other={other}", f"own={folder}"]).card
    assert "other and base were asked different items; they are not compared." in card
    assert "own and base were asked with different prompts; they are not compared." in card
    assert "| own | own | all | 6 |" in card and "ai2d (lmms-lab/ai2d): 9 rows, left out: bad_gt 3." in card


@pytest.mark.parametrize("base", ["mybase", "D:\\models\\mybase", "../ann/mybase", "/srv/models/mybase", "~/mybase"])
def test_a_folder_of_the_writer_s_has_no_licence_and_no_path_on_the_card(tmp_path, base):
    plan = plan_push(write_adapter(tmp_path, base), "me/x")
    assert plan.licence == "unknown" and ModelCard(plan.card).data.base_model is None
    assert "A LoRA adapter on mybase with" in plan.card and "The base is a toy" not in plan.card
    assert "comes with the package" not in plan.card and "ann/" not in plan.card.lower() and "Ann" not in plan.card
    assert json.loads(plan.files["adapter_config.json"])["base_model_name_or_path"] == "mybase"


@pytest.mark.parametrize("base", ["mini_vlm_strong", "/opt/vlaa_helpers/assets/mini_vlm_weak"])
def test_the_package_s_own_models_have_a_licence(tmp_path, base):
    plan = plan_push(write_adapter(tmp_path, base), "me/x")
    assert plan.licence == "apache-2.0" and "The base is a toy" in plan.card


def test_values_inject_no_heading_into_the_card(tmp_path):
    bad = "x\n\n# Injected\n\n"
    folder = write_adapter(tmp_path / "adapter", bad)
    row = {"setting": bad, "value": bad, "source": bad}
    note = {"method": bad, "base": bad, "records": 1, "sources": {bad: 1}, "recipe": [row], "given": {bad: bad}}
    note |= {"verifiers": {bad: 1}, "versions": {bad: bad}, "data": [{"data": bad, "left_out": {bad: 1}}]}
    (tmp_path / "training.json").write_text(json.dumps(note))
    write_log(tmp_path, [{"step": 1, "loss": bad}])
    card = plan_push(tmp_path, "me/x", licence="mit").card
    assert folder.exists() and "x\\n\\n# Injected" in card
    assert not any(line.startswith("# Injected") for line in card.splitlines())


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"base_model_name_or_path": null}'])
def test_a_foreign_adapter_config_is_named(tmp_path, content):
    (write_adapter(tmp_path) / "adapter_config.json").write_text(content)
    with pytest.raises(ValueError, match=r"adapter_config\.json (is broken|names no base)"):
        plan_push(tmp_path, "me/x")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"step,loss\n1," + b"x" * 140_000, "field larger than field limit"),
        ("step,loss\n1,Grö\n".encode("latin-1"), "can't decode byte"),
    ],
)
def test_a_log_that_is_none_is_named(tmp_path, content, says):
    write_adapter(tmp_path)
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"log\.csv is no log of a training: .*{says}.*Move it away"):
        plan_push(tmp_path, "me/x")


def test_a_note_too_deep_to_be_read_is_named(tmp_path):
    write_adapter(tmp_path)
    (tmp_path / "training.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"training\.json is broken: lists within lists"):
        plan_push(tmp_path, "me/x")
    (tmp_path / "training.json").unlink()
    (tmp_path / "adapter_config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"adapter_config\.json is broken: lists within lists"):
        plan_push(tmp_path, "me/x")


@pytest.mark.parametrize("path", ["/".join(["", "home", "ann", "base"]), "\\".join(["C:", "Users", "ann"]), "~/base"])
def test_a_path_in_a_tokenizer_s_settings_is_warned_of(tmp_path, path):
    write_adapter(tmp_path)
    settings = {"extra": [{"name_or_path": path}], "pad_token": "/think", "eos_token": "/", "chat_template": "{{ a }}"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    said = str(plan_push(tmp_path, "me/x"))
    assert "tokenizer_config.json names a path of this machine (name_or_path: " in said
    settings["extra"] = ["Qwen/Qwen2.5-VL-3B-Instruct", "coco/a/b"]
    for content in (json.dumps(settings), "{", "[" * 100_000):
        (tmp_path / "tokenizer_config.json").write_text(content)
        assert "names a path" not in str(plan_push(tmp_path, "me/x"))


def test_values_make_no_tag_and_no_link_on_the_card(tmp_path):
    bad = "<img src=x onerror=y> [here](http://evil) ![z](http://evil) \\[here](http://evil) `c` \\<b>"
    write_adapter(tmp_path / "adapter", bad)
    row = {"setting": bad, "value": bad, "source": bad}
    note = {"method": bad, "base": bad, "records": 1, "sources": {bad: 1}, "recipe": [row], "given": {bad: bad}}
    origin = {"data": bad, "file": bad, "commit": bad, "sources": [bad], "left_out": {bad: 1}}
    note |= {"verifiers": {bad: 1}, "versions": {bad: bad}, "data": [origin]}
    (tmp_path / "training.json").write_text(json.dumps(note))
    write_log(tmp_path, [{"step": 1, "loss": bad}])
    card = plan_push(tmp_path, "me/x", licence="mit").card
    body = card.split("---", 2)[2].replace("`<think>`", "")
    inline = re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", body, flags=re.DOTALL))
    assert "&lt;img src=x onerror=y>" in inline and "&#91;here](http:" in inline
    assert not re.search(r"(?<!\\)<|\\<b|\[here|\[z", inline) and ModelCard(card).data.datasets is None


def test_a_run_without_sources_has_a_card(tmp_path):
    write_adapter(tmp_path)
    note = {"method": "SFT", "base": "a/b", "records": 0, "sources": {}, "recipe": []}
    (tmp_path / "training.json").write_text(json.dumps(note))
    assert "0 records, by verifier: ." in plan_push(tmp_path, "me/x").card


@pytest.mark.parametrize(
    ("base", "profile"), [("mini_vlm_weak", "mini_weak"), ("mini_vlm_strong", "mini"), ("Qwen/Qwen2.5-VL-3B", "auto")]
)
def test_the_card_loads_the_base_that_it_was_trained_on(tmp_path, base, profile):
    card = plan_push(write_adapter(tmp_path, base), "me/x").card
    assert f'load_policy(get_profile("{profile}"), adapter=folder)' in card


def test_only_files_of_a_model_are_sent(tmp_path):
    write_adapter(tmp_path)
    sent = ["tokenizer.json", "preprocessor_config.json", "chat_template.jinja", "generation_config.json", "LICENSE"]
    kept = [".env", "train.py", "notes.txt", "credentials.json", "training_args.bin"]
    for name in (*sent, *kept):
        (tmp_path / name).write_text("x")
    (tmp_path / "checkpoint-9").mkdir()
    plan = plan_push(tmp_path, "me/x")
    assert set(plan.files) == {"adapter_config.json", "adapter_model.safetensors", *sent}
    assert set(plan.left_out) == {"checkpoint-9/", *kept}
    assert "Not sent, as no file of a model: .env, checkpoint-9/, credentials.json" in str(plan)


@pytest.mark.parametrize("name", ["tokenizer.json", "training.json", "log.csv"])
def test_a_link_that_leads_outside_is_refused(tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_text("x")
    folder = write_adapter(tmp_path / "run")
    (folder / name).symlink_to(secret)
    if name == "training.json":
        row = {"setting": "a", "value": 1, "source": "b"}
        note = {"method": "SFT", "base": "a/b", "records": 1, "sources": {}, "recipe": [row]}
        secret.write_text(json.dumps(note | {"sources": {"a": 1}}))
    with pytest.raises(ValueError, match="is a link to .*secret, outside of its folder"):
        plan_push(folder, "me/x")


def test_a_link_within_the_folder_is_followed(tmp_path):
    folder = write_adapter(tmp_path)
    (folder / "LICENSE.txt").write_text("terms")
    (folder / "LICENSE").symlink_to("LICENSE.txt")
    assert plan_push(folder, "me/x").files["LICENSE"].read_text() == "terms"


def test_a_folder_without_weights_is_refused(tmp_path):
    (write_adapter(tmp_path) / "adapter_model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no weights; expected adapter_\*\.safetensors"):
        plan_push(tmp_path, "me/x")


def test_a_mended_card_is_kept_and_sent(tmp_path, small_hub):
    folder = write_adapter(tmp_path)
    first = plan_push(folder, "me/x", licence="mit")
    mended = first.card.replace("## Limits", "Mended by hand.\n\n## Limits")
    first.card_path.write_text(mended)
    with pytest.raises(ValueError, match="changed after the plan"):
        push(first)
    for licence in ("mit", None):
        plan = plan_push(folder, "me/x", licence=licence)
        assert plan.card == mended == plan.card_path.read_text() and plan.licence == "mit"
        assert plan.card_is_mended and "was mended by hand and goes as it is" in str(plan)
    push(plan)
    assert small_hub.commits[0]["files"]["README.md"].decode() == mended
    plan.card_path.unlink()
    assert plan_push(folder, "me/x", licence="mit").card == first.card


def test_a_generated_card_is_written_anew(tmp_path):
    folder = write_adapter(tmp_path)
    assert "license: unknown" in plan_push(folder, "me/x").card
    plan = plan_push(folder, "me/x", licence="mit")
    assert "license: mit" in plan.card_path.read_text() and not plan.card_is_mended
    assert not {".card.sha256", "card.md"} & (set(plan.files) | set(plan.left_out))


def test_a_mended_card_with_another_licence_stops_the_plan(tmp_path):
    folder = write_adapter(tmp_path)
    path = plan_push(folder, "me/x").card_path
    mended = path.read_text() + "Mended.\n"
    path.write_text(mended)
    with pytest.raises(ValueError, match=r"card\.md was mended by hand and says license 'unknown', the plan 'mit'"):
        plan_push(folder, "me/x", licence="mit")
    assert path.read_text() == mended


def test_a_card_of_an_earlier_version_is_not_lost(tmp_path):
    (write_adapter(tmp_path) / "card.md").write_text("---\nlicense: mit\n---\n\nOurs.\n")
    assert "Ours." in plan_push(tmp_path, "me/x").card


def test_a_plan_writes_through_no_link(tmp_path):
    (tmp_path / "precious").write_text("mine\n")
    folder = write_adapter(tmp_path / "run")
    for name in ("card.md.part", ".card.sha256", ".card.sha256.part"):
        (folder / name).symlink_to(tmp_path / "precious")
    assert plan_push(folder, "me/it").card_path.read_text().startswith("---\n")
    assert (tmp_path / "precious").read_text() == "mine\n"


def test_a_method_of_a_stranger_s_is_a_tag_only_where_it_is_a_word(tmp_path):
    folder = write_adapter(tmp_path / "run")
    note = {"base": "x", "records": 1, "sources": {}, "recipe": []}
    for method, tags in (("SFT", ["sft"]), ("$({touch,x})", [])):
        (folder / "training.json").write_text(json.dumps({**note, "method": method}))
        card = ModelCard(plan_push(folder, "me/it").card)
        assert card.data.tags == ["vlaa-helpers", "visual-reasoning", *tags]


@pytest.mark.parametrize("settings", ["[]", '{"samples": 1}', '{"records": 6, "samples": 1, "about": {"rows": 3}}'])
def test_an_odd_report_is_one_line(reports, tmp_path, capsys, settings):
    folder = reports[0].partition("=")[2]
    (tmp_path / "a" / "settings.json").write_text(settings)
    with pytest.raises(SystemExit):
        cli.main(["push", str(write_adapter(tmp_path / "run")), "me/it", "--evaluation", folder])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vlaa: {folder}/settings.json")
