"""The process that runs one learner program: started fresh for each run, standard library only.

It is a program of its own (`python -I -S …/keeper`), so that nothing of the grader is in the memory from which the
learner's process is forked, so that a subreaper is there for that one run, and so that stopping it stops everything.
It therefore must not import anything outside this folder: see `__main__.py`.
"""
