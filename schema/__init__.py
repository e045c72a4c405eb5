"""The GraphQL surface: types, inputs, payloads, the three roots. No SQL, no rules."""
