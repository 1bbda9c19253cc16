"""Running, refreshing and checking the notebooks (`run`), and what is read from their files (`files`)."""
