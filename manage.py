#!/usr/bin/env python3
"""Tunesmith's command line: `python manage.py up` starts everything on this machine."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from webapp.launch import state
    from webapp.launch.errors import LaunchError

    try:
        state.prepare(state.folder())
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, LaunchError) as error:
        sys.exit(f"Tunesmith cannot start: {error}")
