"""What moves between server, machine and store: the API in plain values, synchronising, sending."""
