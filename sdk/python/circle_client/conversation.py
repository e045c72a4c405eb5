"""A conversation as scripts see it."""
