"""The errors that charlm raises for the people who use it: one sentence each, never a traceback."""


class CharlmError(Exception):
    """Something a user can mend: the message says what is wrong, where, and what to do."""


class ConfigError(CharlmError):
    """A setting is unknown, out of range, or contradicts another one."""


class DataError(CharlmError):
    """A text is missing, unreadable, too short, or not what it was."""


class CheckpointError(CharlmError):
    """A run or checkpoint is missing, damaged, foreign, or would be overwritten."""


class TrainingError(CharlmError):
    """Training could not go on: not finite, or out of memory. The last good checkpoint is kept."""
