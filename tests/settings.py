"""The product's settings for tests: a state folder of its own for each test process, and a cheap password hash.

The state folder must be named before the settings are read, and pytest reads them before any conftest; so it
is done here. Child processes that a test starts are given `webapp.settings` again (see conftest.py).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_state = Path(tempfile.mkdtemp(prefix="tunesmith-test-"))
atexit.register(shutil.rmtree, _state, ignore_errors=True)
os.environ["TUNESMITH_STATE"] = str(_state)
TEST_REDIS_URL = os.environ.pop("REDIS_URL", "")  # only tests that ask for a broker speak to one
os.environ["HF_HUB_OFFLINE"] = "1"

from webapp.settings import *  # noqa: E402, F403
from webapp.settings import DATABASES, STATE_DIR  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in the product: threads of one test then meet the real locks instead of a shared memory cache.
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / "test.sqlite3")}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
