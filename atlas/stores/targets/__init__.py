"""The targets of exports: a folder, or a prefix in a bucket."""
