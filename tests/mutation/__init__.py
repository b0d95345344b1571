"""Each check of the server, switched off alone, must turn a test red: `python -m tests.mutation`."""
