"""Studies: policies trained in ways that differ in one thing (`catalogue`), measured alike, a table each.

`python -m vlaa_helpers.dev.studies sft_sizes` runs what is not done yet; `--plan` says what that is
and how long it takes.
An `Arm` is plain data (`arms`); its traces come from `traces`, its training from `training`, its rows from `measures`.
"""
