"""Version 2, the native interface: an application of its own, mounted at /api/v2."""
