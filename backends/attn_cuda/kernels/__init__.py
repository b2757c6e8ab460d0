"""Kernels for single operations, and what all kernels have in common."""
