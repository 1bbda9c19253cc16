"""Folders of runs for tests, as `evaluate` and a training leave them, without a model."""

import json
from collections.abc import Sequence
from pathlib import Path

from vlaa_helpers.core.answers import parse_response
from vlaa_helpers.core.kept_rows import RESPONSES, SETTINGS
from vlaa_helpers.rewards.mixed import MixedReward, is_correct


def write_run(folder: Path, records: Sequence[dict], responses: Sequence[str], *, samples: int = 1) -> Path:
    """An evaluation in which each record got `samples` of the responses, in order."""
    folder.mkdir(parents=True)
    rows = []
    for place, response in enumerate(responses):
        record, parsed = records[place // samples], parse_response(response)
        score = MixedReward().score(
            response, record["gt"], record["verifier_type"], question=record["question"], meta=record["meta"]
        )
        row = {name: record[name] for name in ("id", "source", "question", "gt")}
        row |= {"response": response, "answer": parsed.answer, "value": score.value, "reason": str(score.reason)}
        row |= {"correct": is_correct(score, record["verifier_type"]), "has_answer": parsed.answer is not None}
        row |= {"is_strict": parsed.is_strict, "truncated": False, "tokens": len(response), "seconds": 0.1}
        rows.append(row)
    settings = {"records": len(records), "samples": samples, "start": "", "model": f"a model of {folder.name}"}
    (folder / SETTINGS).write_text(json.dumps(settings))
    (folder / RESPONSES).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_log(folder: Path, rows: Sequence[dict]) -> Path:
    """The log of a training."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in rows)]
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
    return folder
