"""The pages: lists.py what a team has, reading.py one version, changes.py what alters it, downloads.py what leaves."""
