"""Secrets at rest: encrypted with a key that does not lie in the database.

The key is `SEAL_KEY`, else one that this installation made for itself beside its database. A worker on another
machine that is to fetch gated models needs the same key.
"""

import os
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

KEY_FILE = "seal_key"


class CannotUnseal(Exception):
    """This process does not hold the key with which the secret was sealed."""


def seal(secret: str) -> str:
    """Encrypt; the empty string stays empty."""
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """Decrypt. Raises CannotUnseal."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotUnseal("the secret was sealed with another key than this machine's (SEAL_KEY)") from error


def _fernet() -> Fernet:
    return Fernet(settings.SEAL_KEY.encode() if settings.SEAL_KEY else _own_key())


def _own_key() -> bytes:
    """The key of this installation; made on first use, readable by its owner only."""
    path = settings.STATE_DIR / KEY_FILE
    if not path.exists():
        draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
        try:
            os.link(draft, path)  # unlike a rename this cannot replace a key that another process just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return bytes(path.read_bytes())
