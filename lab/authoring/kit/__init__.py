"""Makes the offline kit: one archive from which a laptop without a network installs and runs the lab (`make kit`)."""
