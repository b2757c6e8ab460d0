"""The whole file: what is checked before it, its kernels in order, and the launcher."""
