"""Pages as a browser shows them: a Chromium of the system's, driven over a pipe."""
