"""A room full of simulated participants, driven by Locust: `make load`.

`locustfile.py`, `town.py` and `expectations.py` need Locust only, so that they run in an image of their own; the other
modules prepare the room and count what became of it, and use the grader's way to the back doors.
"""
