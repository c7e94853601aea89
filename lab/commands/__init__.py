"""One module per command, named like it; each has `command()`, which builds it in the current language."""
