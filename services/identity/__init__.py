"""Access tokens for the whole city (SPLP-like): client credentials, signed tokens, and the keys to check them by."""
