"""What stops a start."""


class LaunchError(Exception):
    """Something the person at the terminal can mend; the message names cause and remedy."""
