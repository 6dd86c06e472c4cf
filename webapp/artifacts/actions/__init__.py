"""The verbs: files.py stores and forgets contents, uploads.py brings them in."""

from webapp.artifacts.actions.files import (
    collect_unused,
    drop_bundle,
    drop_orphans,
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
