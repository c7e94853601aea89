"""The lab on a Docker Swarm (`LAB_MODE=swarm`): the same compose file as a stack, and grading as replicated jobs.

Built on `lab.docker`, which knows the engine, Compose and the images. Swarm decides where everything runs, and starts
again what ends; there is no scheduler and no queue of our own.
"""
