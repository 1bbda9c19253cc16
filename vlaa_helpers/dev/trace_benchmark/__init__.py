"""How the benchmark of planted traces is made (`plant`, `phrases`) and what measures find in it (`validate`)."""
