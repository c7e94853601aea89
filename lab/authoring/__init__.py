"""Commands for the people who write exercises and services."""
