"""The workshop: how the shipped models, tables and notebooks were made. No user of the helpers needs it.

Nothing outside imports it. Each module is a command, `python -m vlaa_helpers.dev.…`.
"""
