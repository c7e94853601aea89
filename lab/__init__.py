"""Commands for people: the only part that knows both the agencies, which it starts, and the grader, which it calls."""
