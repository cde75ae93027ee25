"""Looking at everything that works, waits or is late, once or again and again: `Watch`."""
