"""Scripts that make what the repository holds or checks it."""
