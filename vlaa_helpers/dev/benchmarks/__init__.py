"""What the README says about speed and memory: `throughput`, `step`, `shared_prefix`."""
