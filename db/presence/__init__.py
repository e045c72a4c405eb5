"""Presence: who is there, told between nodes by heartbeats in shards (docs/decisions/0102)."""
