"""Names that both sides of the broker must agree on."""

BELL_QUEUE = "bell"
BELL_TASK = "workers.bell"

# What a worker offers beside devices; a job asks for one by `needs_labels`.
LABEL_READER = "reader"
LABEL_HUB = "hub"
