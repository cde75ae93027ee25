"""Keys of PostgreSQL's advisory locks, in one place so that no two meanings share a number."""

MIGRATE = 0x41544C0001  # one migration at a time
SETTLE = 0x41544C0002  # one settlement at a time: clusters never depend on arrival
PURGED = 0x41544C0004  # whoever makes a page or a ledger row shared; who erases addresses exclusive
INDEX = 0x41544C0005  # one change at a time of what the generations of the search index are for
