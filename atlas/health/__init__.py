"""One way to check each part, for `health_check` in a worker and `atlas doctor` outside."""
