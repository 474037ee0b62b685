"""Filters over images that no memory holds."""
