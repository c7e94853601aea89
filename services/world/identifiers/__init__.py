"""Pure parsers and composers for the identifiers and codes of Indonesian government, one module each.

Every module offers `PATTERN` (the shape alone), `faults(text)` (why a text is not one; empty when it is),
`parse(text)` (its parts; raises `InvalidIdentifier`) and, where the lab makes new ones, `compose(...)`.
Nothing here imports Faker or any framework, and nothing looks at a clock.
"""

from services.world.identifiers.verdict import InvalidIdentifier

__all__ = ["InvalidIdentifier"]
