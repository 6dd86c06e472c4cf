"""The verbs: files.py stores contents, uploads.py brings them in, collecting.py frees what nobody needs."""

from webapp.artifacts.actions.collecting import adopt_strays, collect_unused, drop_orphans
from webapp.artifacts.actions.files import (
    drop_bundle,
    make_bundle,
    manifest_sha256,
    store_file,
)
from webapp.artifacts.actions.uploads import (
    append_chunk,
    drop_upload,
    expire_uploads,
    finish_upload,
    open_upload,
    receive_form_file,
    receive_path,
    received_bytes,
    too_large,
)

__all__ = [
    "adopt_strays",
    "append_chunk",
    "collect_unused",
    "drop_bundle",
    "drop_orphans",
    "drop_upload",
    "expire_uploads",
    "finish_upload",
    "make_bundle",
    "manifest_sha256",
    "open_upload",
    "receive_form_file",
    "receive_path",
    "received_bytes",
    "store_file",
    "too_large",
]
