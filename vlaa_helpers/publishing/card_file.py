"""The card beside a run: written anew at each plan, unless a hand mended it."""

from hashlib import sha256
from pathlib import Path

from ..core.printable import one_line
from ..core.whole_files import write_whole
from .sent_files import refuse_link_outside

CARD_FILE = "card.md"
CARD_MARK = ".card.sha256"
"""SHA-256 of the card as it was generated last: a `card.md` with another one was mended."""


def mended_card(run: Path) -> str | None:
    """The text of a `card.md` that is not as it was generated, None where there is none.

    A card without a mark, as earlier versions left it, counts as mended: nobody's words are lost.

    Raises:
        ValueError: a card that is no UTF-8, or a link to somewhere outside.
    """
    path, mark = run / CARD_FILE, run / CARD_MARK
    if not path.exists():
        return None
    refuse_link_outside(path)
    content = path.read_bytes()
    if mark.exists() and mark.read_text(encoding="utf-8", errors="replace").strip() == sha256(content).hexdigest():
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8: {error}. Save it so, or delete it: it is then written anew") from None


def card_licence(card: str, path: Path) -> str | None:
    """The licence at the head of a card, None where there is none.

    Raises:
        ValueError: a head that is no YAML.
    """
    from huggingface_hub import ModelCard

    try:
        return ModelCard(card).data.license
    except Exception as error:  # of YAML, or of the hub's fields
        raise ValueError(f"{path}: its head, between the lines of ---, is broken: {one_line(str(error))}") from None


def write_card(run: Path, generated: str, mended: str | None, licence: str) -> str:
    """Write a generated card and its mark, or keep a mended one; returns the card that is to be sent.

    Raises:
        ValueError: a mended card with another licence than the plan's.
    """
    path, content = run / CARD_FILE, generated.encode("utf-8")
    if mended is None or mended == generated:
        write_whole(run / CARD_MARK, f"{sha256(content).hexdigest()}\n".encode())
        write_whole(path, content)
        return generated
    said = card_licence(mended, path)
    if said != licence:
        raise ValueError(
            f"{path} was mended by hand and says license {said!r}, the plan {licence!r}. Write `license: {licence}` at "
            "its head and mend what it says of the licence, or delete it: it is then written anew"
        )
    return mended
