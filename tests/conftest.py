import os

from hypothesis import settings

# Before torch is imported: with several threads, small steps beside any other busy process take a hundred times as
# long, and which bits come out depends on how many there are.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples on every run and machine, and no clock: a slow machine is no failure.
settings.register_profile("charlm", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("charlm")
