from hypothesis import settings

# The same examples on every run and machine, and no clock: a slow machine is no failure.
settings.register_profile("charlm", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("charlm")
