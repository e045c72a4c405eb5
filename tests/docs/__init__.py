"""Tests of what the documents say about the code."""
