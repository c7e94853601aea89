"""Makes the environments that the lab needs. Standard library only: it runs before anything is installed."""
