"""Push a run or a build to the hub: a plan first, and nothing leaves the machine until it is carried out."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..core.adapter_config import ADAPTER_CONFIG, read_adapter_config
from ..core.built_records import read_built
from ..core.printable import one_line
from ..core.run_note import NOTE, read_note
from ..core.shareable import shareable, shareable_note, shareable_text, without_paths_as_ids
from ..policy.adapters import MERGE_REPORT
from .card_file import CARD_FILE, CARD_MARK, card_licence, mended_card, write_card
from .dataset_card import dataset_card
from .model_card import model_card
from .run_facts import read_facts
from .sent_files import local_path_in, model_files, refuse_link_outside

CARD = "README.md"
GIVE_ONE = 'plan_push(…, licence="other"), or --license other at the command line'
NON_COMMERCIAL = {"Qwen/Qwen2.5-VL-3B-Instruct": "the Qwen Research License, which allows no commercial use"}
"""Bases whose terms are narrower than those of their families: Qwen2.5-VL of 7 billion parameters is apache-2.0."""
_NOT_NAMED = (CARD, CARD_FILE, CARD_MARK, NOTE, "log.csv", MERGE_REPORT)
"""What is made anew, or in the plan already: no word of it among what is left out."""


@dataclass(frozen=True)
class PushPlan:
    """What a push would do.

    Attributes:
        repository, kind: where it goes: "OWNER/NAME", a "model" or a "dataset".
        files: path in the repository to the file here, or to bytes that are made for it.
        card: the README of the repository.
        card_path: where the card was written here, to be read and mended; after that, plan again.
        licence: "unknown" where none is known; such a plan is not carried out.
        warning: what speaks against the licence; "" where nothing known does.
        card_is_mended: whether `card.md` was mended by hand; it is kept and sent as it is.
        left_out: names of what lies beside the model's files and is not sent.
        sources: path in the repository to the file here that it is, or is made from.
        cleaned: those of them that go without keys and local paths that are in the file here.
    """

    repository: str
    kind: str
    files: dict[str, Path | bytes]
    card: str
    card_path: Path
    licence: str
    warning: str = ""
    left_out: tuple[str, ...] = ()
    card_is_mended: bool = False
    sources: dict[str, Path] = field(default_factory=dict)
    cleaned: tuple[str, ...] = ()

    def __str__(self) -> str:
        sizes = {
            name: len(file) if isinstance(file, bytes) else file.stat().st_size for name, file in self.files.items()
        }
        total = sum(sizes.values()) / 2**20
        lines = [f"{self.kind} {self.repository}: {len(sizes)} files, {total:.1f} MiB, and a card ({self.card_path})"]
        lines += [f"  {name}  {size / 2**20:.2f} MiB{self._from(name)}" for name, size in sizes.items()]
        if self.cleaned:
            lines.append(
                f"Sent without the keys, passwords and local paths that are in it here: {', '.join(self.cleaned)}."
            )
        for name, file in self.files.items():
            if isinstance(file, Path) and (seen := local_path_in(file)):
                lines.append(
                    f"{name} names a path of this machine ({one_line(seen, 200)}): mend it before you send it."
                )
        if shareable_text(self.card) != self.card:
            lines.append(f"{self.card_path} may show a key or a path of this machine: look for it before you send it.")
        if self.card_is_mended:
            lines.append(f"{self.card_path} was mended by hand and goes as it is; delete it to have it written anew.")
        if self.left_out:
            lines.append(f"Not sent, as no file of a model: {one_line(', '.join(self.left_out))}.")
        if self.licence == "unknown":
            lines.append(f"No licence is known: read the base's terms, then give one: {GIVE_ONE}.")
        if self.warning:
            lines.append(self.warning)
        return "\n".join(lines)

    def _from(self, name: str) -> str:
        """Where a file lies, if not in the folder that was given or below it."""
        path = self.sources.get(name)
        if path is None or path.resolve().is_relative_to(self.card_path.parent.resolve()):
            return ""
        return f"  from {one_line(str(path.parent))}"


def plan_push(
    run: str | Path, repository: str, *, evaluations: Sequence[str] = (), licence: str | None = None
) -> PushPlan:
    """What pushing a run would do; writes its card beside it (`card.md`), and asks no network.

    A `card.md` that was mended by hand is kept and sent, and its licence holds where none is given.

    Args:
        run: the folder of a training, of an adapter, of a merged model (`vlaa merge`), or of a build.
        repository: "OWNER/NAME" on the hub.
        evaluations: folders of reports for the card, FOLDER or NAME=FOLDER; the first is what others are compared with.
        licence: as the hub writes it, such as "apache-2.0". That of the package's own mini VLMs is known; of
            others you must say it. The plan warns where the base is known to allow less.

    Raises:
        FileNotFoundError: nothing there that can be pushed, or no weights.
        ValueError: a repository that is no OWNER/NAME, a broken file, a link to somewhere outside, or a mended
            card with another licence.
    """
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository, re.ASCII):
        raise ValueError(f"repository {repository!r}; expected OWNER/NAME, such as me/my-adapter")
    run, warning = Path(run), ""
    left_out: tuple[str, ...] = ()
    cleaned: tuple[str, ...] = ()
    sources: dict[str, Path] = {}
    mended = mended_card(run)
    licence = licence or (card_licence(mended, run / CARD_FILE) if mended is not None else None)
    if (run / "build.json").exists():
        licence = licence or "unknown"
        files: dict[str, Path | bytes] = {f"{name}.parquet": _parquet(run / f"{name}.arrow") for name in ("sft", "rl")}
        files = {name: data for name, data in files.items() if data}
        refuse_link_outside(run / "yields.csv")
        files |= {"yields.csv": run / "yields.csv"}
        card, kind = dataset_card(run, repository, licence), "dataset"
    else:
        facts = read_facts(run, evaluations)
        licence = licence or ("apache-2.0" if facts.is_base_packaged else "unknown")
        if facts.base in NON_COMMERCIAL and licence not in ("unknown", "other"):
            warning = (
                f"{facts.base} is under {NON_COMMERCIAL[facts.base]}, and so is what was made of it: {licence!r} would "
                'allow more. Read its terms; "other" with a LICENSE file says that there are some.'
            )
        found, beside = model_files(facts.folder, is_merged=facts.is_merged)
        sources = {**found}
        left_out = tuple(name for name in beside if name not in _NOT_NAMED)
        sources |= {name: facts.home / name for name in (NOTE, "log.csv") if (facts.home / name).exists()}
        for path in sources.values():
            refuse_link_outside(path)
        made = _cleaned(sources, facts.base)
        files, cleaned = {**sources, **made}, tuple(name for name in (NOTE, "log.csv") if name in made)
        card, kind = model_card(facts, repository, licence), "model"
    sent = write_card(run, card, mended, licence)
    told = (warning, left_out, sent != card, sources, cleaned)
    return PushPlan(repository, kind, files, sent, run / CARD_FILE, licence, *told)


def push(plan: PushPlan, *, private: bool = True) -> str:
    """Carry out a plan: create the repository where there is none, and commit card and files at once.

    Large files go by LFS, not by Xet.

    Needs a token with the right to write: `hf auth login`, or HF_TOKEN.

    Args:
        private: of a new repository; one that is there stays as it is.

    Returns:
        The address of the commit.

    Raises:
        ValueError: a plan without a licence, or a card that was changed after the plan.
        OSError: the hub refuses (HfHubHTTPError), cannot be reached, or a file did not arrive; the message or a note
            says what to check. Nothing was committed then.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if plan.licence == "unknown":
        raise ValueError(f"{plan.repository} has no licence yet: give one, as the base's terms allow: {GIVE_ONE}")
    if plan.card_path.exists() and plan.card_path.read_bytes() != plan.card.encode("utf-8"):
        raise ValueError(f"{plan.card_path} was changed after the plan; nothing was sent. Plan again: plan_push(…)")
    files = {CARD: plan.card.encode("utf-8"), **plan.files}
    operations = [CommitOperationAdd(name, file) for name, file in files.items()]
    api = HfApi()
    try:
        api.create_repo(plan.repository, repo_type=plan.kind, private=private, exist_ok=True)
        message = "Upload with vlaa_helpers"
        with _by_lfs():
            done = api.create_commit(plan.repository, operations, commit_message=message, repo_type=plan.kind)
    except Exception as error:
        note = (
            f"Nothing was committed to {plan.repository}. Check its name, and that you may write there: hf auth whoami "
            "says who you are, hf auth login takes a token with the right to write (HF_TOKEN, where set, goes before "
            "it). The same command tries again."
        )
        if lost := _lost_on_the_way(error, api.endpoint):
            raise ConnectionError(f"{lost}. {note}") from error
        error.add_note(note)
        raise
    return done.commit_url


@contextmanager
def _by_lfs() -> Iterator[None]:
    """Let huggingface_hub send large files by LFS, the way that was tested, also where it would take Xet."""
    from huggingface_hub import constants

    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before


def _lost_on_the_way(error: Exception, endpoint: str) -> str:
    """What kept a request from its end, in words; "" for an error that says so itself, or is another one.

    httpx2's errors name no address, and of a large file that failed huggingface_hub names the file alone.
    """
    import httpx2

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, httpx2.HTTPError):
        return f"{error} {error.__cause__}".rstrip(".")
    is_silent = isinstance(error, httpx2.HTTPError) and not isinstance(error, OSError)
    return f"{endpoint} cannot be reached: {error}" if is_silent else ""


def _cleaned(sources: Mapping[str, Path], base: str) -> dict[str, bytes]:
    """What goes in place of files here that name keys or folders of this machine."""
    made: dict[str, bytes] = {}
    if ADAPTER_CONFIG in sources:
        config = shareable(read_adapter_config(sources[ADAPTER_CONFIG].parent))
        made[ADAPTER_CONFIG] = json.dumps({**config, "base_model_name_or_path": base}, indent=2).encode()
    if NOTE in sources:
        note = read_note(sources[NOTE].parent)
        if note is not None and (told := without_paths_as_ids(shareable_note(note))) != note:
            made[NOTE] = json.dumps(told, indent=2).encode()
    if "log.csv" in sources:
        log = sources["log.csv"].read_text(encoding="utf-8")
        if (said := shareable_text(log)) != log:
            made["log.csv"] = said.encode()
    return made


def _parquet(path: Path) -> bytes:
    """A set of a build as parquet, as others read it; b"" when it has no rows."""
    refuse_link_outside(path)
    records = read_built(path)
    if not len(records):
        return b""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        records.to_parquet(file.name)
        return Path(file.name).read_bytes()
