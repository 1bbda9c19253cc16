"""Which versions the parts that stand on private code of TRL and transformers were tested with (docs/upstream.md)."""

from importlib.metadata import version

TESTED = {"trl": "1.16", "transformers": "5.23", "peft": "0.21", "bitsandbytes": "0.50"}
"""Package to minor version. With another TRL or transformers prompts are not shared, and that is said; with another
transformers, peft or bitsandbytes the model itself computes each token. Whoever wants it all the same writes the
installed version here: `TESTED["trl"] = "1.17"`. `make canary` tells whether that is safe."""


def untested_reason(*packages: str) -> str | None:
    """Why code that stands on private parts of these packages should not be used here; None where it was tested.

    >>> untested_reason("trl", "transformers")
    """
    for name in packages:
        installed = version(name)
        minor = ".".join(installed.split(".")[:2])
        if minor != TESTED[name]:
            return (
                f"{name} {installed}, tested with {TESTED[name]} (to share prompts all the same: "
                f'from vlaa_helpers.policy.tested_versions import TESTED; TESTED["{name}"] = "{minor}")'
            )
    return None
