"""The edge of the process: ASGI app, transports, authentication, limits, wiring, command line. No SQL, no rules."""
