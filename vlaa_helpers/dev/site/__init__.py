"""The series as static pages: `build` makes them (`make site`), `sources` what Sphinx reads, `check` looks at them."""
