"""Makes the test vectors with the Python core. `world` holds the people and spaces that the cases are about."""
