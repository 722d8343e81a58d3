"""Degrade photographs in other people's pipelines: one module a library, which is imported with that module alone."""
