"""Published benchmarks, read as records: one file a benchmark, `registry` lists them, `load` reads them."""
