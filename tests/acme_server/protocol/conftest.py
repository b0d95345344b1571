"""Property tests here are the same in every run, and a slow machine is no fault."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")
