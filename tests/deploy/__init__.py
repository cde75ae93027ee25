"""The files that deploy Atlas: read by fast tests, run by a slow one (`make compose-test`)."""
