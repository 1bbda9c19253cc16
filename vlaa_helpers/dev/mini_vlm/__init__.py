"""How the mini VLMs were trained (`train`), on what (`lessons`), and their model cards (`card`)."""
