"""Studies: policies trained in ways that differ in one thing (`catalogue`), measured alike, a table each.

`python -m vlaa_helpers.dev.studies sft_sizes` runs what is not done yet; `--plan` says what that is
and how long it takes.
Arms, stages and the runner are those of every study (`vlaa_helpers.study`); what is here is which arms there are, and
the tables that come with the package.
"""
