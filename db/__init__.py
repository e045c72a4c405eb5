"""Storage and adapters: tables, queries, policies, migrations, the event log and hub, the bus, the embedded server."""
