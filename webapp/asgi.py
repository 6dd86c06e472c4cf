"""ASGI entry point: `uvicorn webapp.asgi:application`."""

import os
import tempfile

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 - settings are named above

from webapp.core.bodylimit import BodyLimit  # noqa: E402

# Django keeps a large body in a temporary file; /tmp may be memory, the state folder is a disk.
tempfile.tempdir = str(settings.FILE_UPLOAD_TEMP_DIR)
application = BodyLimit(django_application)
