"""Running and refreshing the notebooks (`run`), their files (`files`), the numbers in their prose (`prose_numbers`)."""
