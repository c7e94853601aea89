"""What every agency shares: one module per convention, so that a convention that moves is changed in one place."""
