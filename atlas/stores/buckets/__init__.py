"""Files that sources of kind `bucket` read: below a folder, or a prefix in S3."""
