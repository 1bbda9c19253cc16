import argparse
import io

import pandas as pd

from vlaa_helpers.dev.benchmarks import throughput as benchmarks
from vlaa_helpers.pipeline.build import YIELD_COLUMNS


def test_the_pipeline_is_measured_in_a_process_of_its_own():
    found = benchmarks._fresh(benchmarks.measure_pipeline, 60)
    assert found["records"] == 60 and found["records_per_s"] > 0
    assert 50 < found["private_mib"] <= found["resident_mib"]
    assert pd.read_csv(io.StringIO(found["yields"]), index_col="source").loc["all", "original"] == 60


def test_every_rule_is_timed():
    found = benchmarks.rewards(argparse.Namespace(answers=160))["answers_per_s"]
    mathematics = {"polynomials_all_new", "math_verify_in_groups", "math_verify_all_new"}
    assert set(found) == {"digit", "choice", "box"} | mathematics and min(found.values()) > 0


def test_traces_are_timed():
    found = benchmarks.traces(argparse.Namespace(traces=40))
    assert 60 <= found["words_a_trace"] <= 100
    assert set(found["traces_per_s"]) == {"text", "text_and_facts"} and min(found["traces_per_s"].values()) > 0
    assert found["detector_fit_s"] > 0


def test_records_are_timed():
    found = benchmarks.records(argparse.Namespace(records=24))["records_per_s"]
    assert set(found) == {"made", "prompts_measured"} and min(found.values()) > 0


def test_the_reference_yields_are_shipped():
    table = pd.read_csv(benchmarks.REFERENCE_YIELDS, index_col="source")
    assert tuple(table.columns) == YIELD_COLUMNS and table.loc["all", "original"] == 20_000
