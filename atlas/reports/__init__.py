"""Reports: figures in, bytes out. Pure: the same figures give the same bytes, so that any past week
can be made again."""
