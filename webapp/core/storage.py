"""Static files under names that hold their content's hash, so that browsers may keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Also follows the imports between our scripts; without this a new module would meet an old one."""

    support_js_module_import_aggregation = True
