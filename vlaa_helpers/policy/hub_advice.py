"""What to do when the hub does not give a model: a note on the error of whoever asked it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hub_advice(model: str) -> Iterator[None]:
    """Add to an error in here where the model was looked for, and what to do; its type and message stay.

    transformers makes an OSError of nearly all that the hub says, some of which a missing folder would say too.

    A model that needs code of its own, which transformers would ask to run, becomes a ValueError that says so.

    Args:
        model: a folder, whose other errors are left alone, or a name on the hub.
    """
    import httpx2
    from huggingface_hub import constants

    try:
        yield
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        raise ValueError(
            f"{model} brings code of its own, which is not run here; expected a model that transformers knows by "
            'itself, such as "Qwen/Qwen2.5-VL-3B-Instruct". Name one: profile.replace(model=…)'
        ) from None
    except (OSError, httpx2.HTTPError) as error:
        if not Path(model).is_dir():
            offline = (
                "HF_HUB_OFFLINE=1 forbids the network: unset it (in a notebook restart the kernel: it is read once). "
                if constants.HF_HUB_OFFLINE
                else ""
            )
            error.add_note(
                f"{model} was looked for on the hub ({constants.ENDPOINT}), as no folder here has this name. {offline}"
                "Refused, or not found: correct the name, profile.replace(model=…); where it is private or gated, "
                "accept the terms on its page and log in (hf auth login; HF_TOKEN, where set, goes before it). "
                "Cut: run the same again. Without a network, fetch it elsewhere "
                f"(hf download {model} --local-dir FOLDER) "
                'and pass that folder: profile.replace(model="FOLDER").'
            )
        raise
