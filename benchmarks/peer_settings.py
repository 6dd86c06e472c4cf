from webapp.settings import *  # noqa: F403 - the product's settings with one address more

ROOT_URLCONF = "benchmarks.peer"
