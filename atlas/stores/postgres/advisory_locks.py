"""Keys of PostgreSQL's advisory locks, in one place so that no two meanings share a number."""

MIGRATE = 0x41544C0001  # one migration at a time
SETTLE = 0x41544C0002  # one settlement at a time: clusters and entries never depend on arrival
GENERATIONS = 0x41544C0003  # writers shared; start and switch of an index build exclusive
PURGED = 0x41544C0004  # whoever makes a page or a ledger row shared; who erases addresses exclusive
