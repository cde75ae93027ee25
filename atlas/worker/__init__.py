"""What a worker is made of: its connections, and which activities it serves on which queue."""
