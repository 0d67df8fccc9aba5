"""Names of people, firms and places: what stands around them, lists of them, and what only looks so."""
