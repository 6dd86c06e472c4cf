"""Static files under names that hold their content's hash, so that browsers may keep them for ever."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from servestatic.storage import CompressedManifestStaticFilesStorage

_IMPORTS_OF_SCRIPTS = HashedFilesMixin._js_module_import_aggregation_patterns[1]  # type: ignore[attr-defined]


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Also follows the imports between our own scripts; without this a new module would meet an old one.

    Django's switch for it would read the scripts of libraries too, where text that only looks like an import stops it.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", _IMPORTS_OF_SCRIPTS))
