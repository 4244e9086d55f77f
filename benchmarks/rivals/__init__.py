"""Scripts and servers that run in the rivals' own environments, and the lists of what these have; nothing of ours."""
