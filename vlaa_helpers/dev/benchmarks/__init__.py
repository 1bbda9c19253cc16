"""What docs/measured.md says about speed and memory: `throughput`, `step`, `shared_prefix`."""
