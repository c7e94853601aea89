"""The number of the layout in which stores keep sandboxes."""

LAYOUT = 2
"""To be raised with every change of what stored sandboxes look like: tables, indexes, files, and the rows of a city.

Sandboxes of another layout are taken for none and cleared away at the start; the lab makes its own anew from the seed.
Nobody's work is in them: programs and scores are kept elsewhere. `layout.txt` in each service's folder and the test
`tests/contract/test_services_layout.py` make sure that nobody forgets to raise it.
"""
