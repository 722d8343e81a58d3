"""What each verb does to one file: `cofenet correct` and the like do it here, `cofenet run` elsewhere and more often.

Each is called with a photograph and the place of its result, and tells what happened; failures are raised.
"""
