"""The stateful client without I/O: keyring, members with their pins, spaces with roster, epochs and log."""
