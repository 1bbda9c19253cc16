"""The report holds the numbers of the functions it is made with, all that it needs, and nothing that runs."""

import json
import re
from html.parser import HTMLParser
from random import Random

import pytest
from datasets import Dataset
from run_folders import write_log, write_run

from vlaa_helpers import compare_reports, load_report, write_report
from vlaa_helpers.core.record_schema import record_features
from vlaa_helpers.display.html_report import TRACES, report_template
from vlaa_helpers.display.report_parts import Cell, Table, interval_bar
from vlaa_helpers.mini_world.response_styles import respond
from vlaa_helpers.mini_world.scenes import scene_records

RECORDS = list(scene_records(24, seed=4, split="test"))


def said(style: str, records=RECORDS) -> list[str]:
    metas = [json.loads(record["meta"]) for record in records]
    return [
        respond(record["source"], meta["facts"], meta["task"], Random(record["id"]), style=style, keep_format=True)
        for record, meta in zip(records, metas, strict=True)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict:
    root = tmp_path_factory.mktemp("runs")
    steps = [{"step": k, "reward": 0.3 + k / 100, "completions/mean_length": 40 - k} for k in range(1, 21)]
    training = write_log(root / "GRPO", steps)
    return {"base": write_run(root / "base" / "test", RECORDS, said("ramble")),
            "GRPO": write_run(training / "test", RECORDS, said("careful"))}  # fmt: skip


@pytest.fixture(scope="module")
def page(runs, tmp_path_factory) -> str:
    path = write_report(runs, tmp_path_factory.mktemp("out") / "deep" / "report.html")
    assert path.stat().st_size < 2_000_000
    return path.read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Counts what is opened and not closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(page: str) -> list[tuple[str, dict]]:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    return parser.tags


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]))


def test_it_needs_nothing_else_and_runs_nothing(page):
    tags = tags_of(page)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?://|@import|url\(", page)
    links = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    assert links == {attributes["id"] for tag, attributes in tags if tag == "h2"}


def test_its_numbers_are_those_of_the_functions(page, runs):
    before, after = (load_report(folder) for folder in runs.values())
    text = text_of(page)
    for report in (before, after):
        assert f"{report.accuracy:.1%} {100 * report.interval[0]:.1f} to {100 * report.interval[1]:.1f}" in text
        for source, row in report.by_source.iterrows():
            assert (
                f"{row['accuracy']:.1%} {100 * row['low']:.1f} to {100 * row['high']:.1f}, n = {row['n']:.0f}" in text
            )
            found = compare_reports(before, after, source=None if source == "all" else source)
            words = f"{100 * found.difference:+.1f} points {100 * found.low:+.1f} to {100 * found.high:+.1f}"
            assert f"{words.replace('-', '−')}, p = {found.p_value:.2g}" in text


def test_accuracy_is_split_by_cue(page, runs):
    ramble = load_report(runs["base"])
    assert f"responses with a cue accuracy with accuracy without base 100.0% {ramble.accuracy:.1%}" in text_of(page)


def test_the_worst_traces_come_with_images_marks_and_verdicts(page):
    articles = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert len(articles) == 2 * TRACES
    first = [article for article in articles if "Hmm" in article]
    assert len(first) == TRACES and all('<mark class="cue"' in article for article in first)
    assert any('<mark class="false"' in article for article in first)
    assert all("data:image/png;base64," in article and "expected" in article for article in articles)
    sources = [re.search(r"facts\">(\w+)-", article)[1] for article in first]
    assert len(set(sources)) == TRACES  # each source once


def test_the_training_is_shown_once(page):
    assert page.count("<figure") == 2 and "GRPO: 20 steps of training" in page


@pytest.fixture(scope="module")
def sick(runs, tmp_path_factory) -> str:
    """A page of the healthy base beside a policy of which every fourth response holds a broken byte."""
    root = tmp_path_factory.mktemp("sick")
    texts = [text.replace("I see", "I\x06 see\ufffd") if k % 4 == 0 else text for k, text in enumerate(said("ramble"))]
    training = write_log(root / "SFT", [{"step": k, "loss": 3 / k} for k in range(1, 9)])
    folders = {"base": runs["base"], "SFT": write_run(training / "test", RECORDS, texts)}
    return write_report(folders, root / "r.html").read_text(encoding="utf-8")


def test_a_garbled_run_is_marked_wherever_it_is_named(page, sick):
    text = text_of(sick)
    headings = re.findall(r"<(?:th|h3)[^>]*>(?:(?!</(?:th|h3)>).)*SFT.*?</(?:th|h3)>", sick, re.DOTALL)
    assert len(headings) == 6 and all("(garbled 25%)" in heading for heading in headings)
    assert "SFT: 8 steps of training (garbled 25%)" in sick and "base (garbled" not in text
    assert '<td class="down">25.0%' in sick.replace("\n", "") and "<td>0.0%" in sick.replace("\n", "")
    assert "cut at the limit garbled tokens" in text_of(page) and "(garbled" not in page


def test_a_garbled_run_is_not_measured_as_reasoning(page, sick, tmp_path):
    reasoning = sick.partition('id="reasoning"')[2].partition("<h2")[0]
    assert "Left out: SFT (garbled" in reasoning and reasoning.count('class="chip"') == 2  # the base in two tables
    assert "Left out" not in page
    junk = write_run(tmp_path / "a", RECORDS, ["<think>\ufffd</think><answer>3</answer>"] * len(RECORDS))
    alone = write_report([junk], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Left out: a (garbled 100%)" in alone and "responses with a cue" not in alone
    tags_of(alone)


def test_what_is_garbled_is_shown_first_and_as_such(page, sick):
    articles = re.findall(r"<article.*?</article>", sick, re.DOTALL)
    first, ill = articles[:TRACES], articles[TRACES:]
    marked = ["garbled" in article.partition('class="facts"')[2] for article in ill]
    assert marked == 3 * [True] + 3 * [False]  # three sources have garbled responses, half of theirs
    assert all(("I␆ see\ufffd" in article) == mark for article, mark in zip(ill, marked, strict=True))
    assert all(("pseudo score" in article) != mark for article, mark in zip(ill, marked, strict=True))
    assert not any("garbled" in article for article in first) and "\x06" not in sick


def laid_out(table: Table) -> str:
    """A table as the template writes it, on one line."""
    parts = report_template().environment.get_template("report_parts.html.j2").module
    return parts.table_of(table).replace("\n", "")


def test_text_in_tables_is_escaped():
    evil = "<script>&\"'"
    bar = interval_bar(0.25, 0.15, 0.35, (0, 1), '#00"')
    made = laid_out(Table([evil], [[evil, Cell(evil, evil, evil, evil, bar)]], kind=evil))
    assert made.count("&lt;script&gt;&amp;&#34;&#39;") == 7 and "<script" not in made and 'fill="#00&#34;"' in made
    tags = tags_of(made)
    assert ("circle", {"cx": "26.5", "cy": "6", "r": "2.6", "fill": '#00"'}) in tags
    assert [attributes.get("class") for tag, attributes in tags if tag in ("table", "td")] == [evil, evil]


def test_a_table_has_headings_and_a_row_for_all():
    made = laid_out(Table(["a", "b"], [["<x>", "1"], ["all", Cell("2", kind="up")]], last_is_all=True))
    assert made.count("<tr") == 3 and '<th scope="row">&lt;x&gt;</th><td>1</td>' in made
    assert '<tr class="all"><th scope="row">all</th><td class="up">2</td></tr>' in made


def test_every_text_is_escaped(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    record = {**RECORDS[0], "id": f"{evil}", "question": evil, "gt": "3"}
    folder = write_run(tmp_path / "a", [record], [f"<think>{evil}</think><answer>{evil}</answer>"])
    page = write_report({evil: folder}, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<img src=x" not in page and "&lt;script&gt;alert(1)" in page
    tags_of(page)


NAMES = ["$x_1$ and $", "_hidden", "", "a\nb\x00c", "运行 🚀", "\ud800", "\\$", "{{ 1 }}{% if %}", "run/" * 80]


def test_any_name_of_a_run_is_shown(runs, tmp_path, recwarn):
    page = write_report(dict.fromkeys(NAMES, runs["GRPO"]), tmp_path / "r.html").read_text(encoding="utf-8")
    tags_of(page)
    for name in NAMES[:2] + NAMES[4:5] + NAMES[6:]:
        assert page.count(name) >= 4  # at a glance, below the figure, in tables and settings
    assert "?" in page.partition("Settings</a>")[0] and not [w for w in recwarn if "Glyph" in str(w.message)]


def test_the_page_fits_a_phone(page):
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    figures = [attributes for tag, attributes in tags_of(page) if tag == "figure"]
    assert figures and all(attributes == {"class": "wide"} for attributes in figures)  # scrolls by itself


def test_half_a_surrogate_pair_in_a_response_is_written(tmp_path):
    said = ["<think>I see \ud800 it.</think><answer>3</answer>"]
    folder = write_run(tmp_path / "a", RECORDS[:1], said)
    assert "I see ? it." in write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "step,reward\n1,0.5\n2,much\n",
            r"log.csv line 3: reward is 'much', not a number that can be drawn. Expected the log.csv of a tr",
        ),
        ("step,reward\none,0.5\n", r"log.csv line 2: step is 'one', not a number"),
        (b"step,reward\n1,\xff\n", r"log.csv is no CSV: .*can't decode byte 0xff"),
        ("step,reward\n1," + "x" * 200_000, r"log.csv is no CSV: field larger than field limit"),
    ],
)
def test_a_bad_log_is_named(tmp_path, text, words):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words) as caught:
        write_report([tmp_path / "run"], tmp_path / "r.html")
    assert str(tmp_path / "run" / "log.csv") in str(caught.value) and "move it away" in str(caught.value)
    assert not (tmp_path / "r.html").exists()


def test_a_log_that_was_cut_short_is_drawn(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.csv").write_text("step,reward,loss\n1,0.5,1\n2,0.6,1\n,0.7,\n3,0.")
    page = write_report([tmp_path / "run"], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "run: 3 steps of training" in page


def test_one_run_is_enough(runs, tmp_path):
    page = write_report(runs["base"], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<h1>test</h1>" in page and "Paired differences" not in page and page.count("<article") == TRACES


def test_a_training_alone(tmp_path):
    folder = write_log(tmp_path / "sft", [{"step": k, "loss": 3 / k} for k in range(1, 9)])
    page = write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "sft: 8 steps of training" in page and "<article" not in page and 'id="accuracy"' not in page
    bare = write_log(tmp_path / "bare", [{"step": 1, "epoch": 0.5}])
    assert "the log has no curve to show" in write_report([bare], tmp_path / "r.html").read_text(encoding="utf-8")


def strange(n: int = 4) -> list[dict]:
    """Records that are not of the mini world."""
    return [{**record, "id": f"clevr-{k}", "source": "clevr_math", "gt": "3", "verifier_type": "digit", "meta": "{}"}
            for k, record in enumerate(RECORDS[:n])]  # fmt: skip


def test_records_without_facts(tmp_path):
    folder = write_run(tmp_path / "a", strange(), ["<think>Wait, red 6. 2 + 2 = 5.</think><answer>3</answer>"] * 4)
    page = write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "true claims" not in page and 'class="trace text"' in page and "from text)" in page
    assert 'mark class="true"' not in page.partition("legend note")[2].partition("</p>")[2]
    records = Dataset.from_list(strange(), features=record_features())
    page = write_report([folder], tmp_path / "r.html", records=records).read_text(encoding="utf-8")
    assert 'class="trace"' in page and "data:image/png" in page.partition("<article")[2]
    with pytest.raises(ValueError, match="no record has the id 'clevr-3'"):
        write_report([folder], tmp_path / "r.html", records=records.select(range(3)))


def test_given_records_bring_facts(tmp_path):
    named = [{**record, "id": f"mine-{k}"} for k, record in enumerate(RECORDS)]
    folder = write_run(tmp_path / "a", named, said("careful"))
    assert "true claims" not in write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8")
    records = Dataset.from_list(named, features=record_features())
    assert "true claims" in write_report([folder], tmp_path / "r.html", records=records).read_text(encoding="utf-8")


def test_runs_on_other_questions_are_not_paired(runs, tmp_path):
    other = write_run(tmp_path / "other", RECORDS[:6], said("careful")[:6])
    text = text_of(write_report([runs["base"], other], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "other questions not paired" in text


def test_samples_are_averaged_by_question(tmp_path):
    doubled = [text for pair in zip(said("careful"), said("ramble"), strict=True) for text in pair]
    folder = write_run(tmp_path / "a", RECORDS, doubled, samples=2)
    report = load_report(folder)
    text = text_of(write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8"))
    low, high = (100 * bound for bound in report.interval)
    assert "24 questions. Intervals" in text and f"{report.accuracy:.1%} {low:.1f} to {high:.1f}" in text


def test_a_response_without_a_trace_is_not_shown(tmp_path):
    folder = write_run(tmp_path / "a", RECORDS, ["<answer>3</answer>"] * len(RECORDS))
    page = write_report([folder], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No response has a trace." in page and "<article" not in page


def test_a_long_trace_is_cut(tmp_path):
    folder = write_run(tmp_path / "a", RECORDS[:1], ["<think>" + "I see it. " * 5_000 + "</think><answer>3</answer>"])
    assert write_report([folder], tmp_path / "r.html").stat().st_size < 300_000
