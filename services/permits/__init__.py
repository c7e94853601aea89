"""The permit office (OSS-like): businesses, permit applications, and the decisions on them."""
