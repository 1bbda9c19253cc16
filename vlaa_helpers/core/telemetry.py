"""No telemetry: TRL tells the hub of each trainer that is built, unless it is told not to."""

import os
import sys

SWITCH = "HF_HUB_DISABLE_TELEMETRY"


def leave_out_telemetry() -> None:
    """Switch off what TRL and huggingface_hub send of their own accord, unless the environment says otherwise.

    TRL sends a request with the kind of trainer, model and GPU. Nothing here asks the network for what the user did
    not ask for; `HF_HUB_DISABLE_TELEMETRY=0` in the environment keeps it on.
    """
    if SWITCH in os.environ:
        return
    os.environ[SWITCH] = "1"  # for what is imported later, and for processes that are started
    if constants := sys.modules.get("huggingface_hub.constants"):
        constants.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
