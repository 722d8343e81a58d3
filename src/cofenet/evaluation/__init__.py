"""Protocols that measure what the package does, beside what others do."""
