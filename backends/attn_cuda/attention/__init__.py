"""A tile program as a kernel."""
