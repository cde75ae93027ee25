"""Where exports are written: a folder, or a bucket."""
