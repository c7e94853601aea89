"""The population registry (Dukcapil-like): residents, family cards, regions, and verification per element."""
