"""The lab in containers (`LAB_MODE=docker`): the engine, the images, Compose, and what commands need of them.

Loaded only in this mode, because the `docker` package takes a quarter of a second to load.
"""
