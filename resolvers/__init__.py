"""The use cases: what Circle does, as plain async Python. No GraphQL, no HTTP, no SQL."""
