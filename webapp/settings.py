"""Settings. Everything that differs between machines comes from the environment (docs/operations.md)."""

import fcntl
import hashlib
import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from webapp.core import logs

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("TUNESMITH_STATE", BASE_DIR / "state")).resolve()
STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _flag(name: str, *, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _own_secret_key(path: Path) -> str:
    """Read or make it. Processes that start at once agree, and an empty file, left by one that was killed, is none."""
    if path.exists() and (key := path.read_text().strip()):
        return key
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        key = file.read().strip()
        if not key:
            key = secrets.token_urlsafe(50)
            file.seek(0)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key


def _secret_key() -> str:
    """The key from the environment, else the one this installation made for itself on its first start."""
    key = os.environ.get("SECRET_KEY", "") or _own_secret_key(STATE_DIR / "secret_key")
    if len(key) < 32 or len(set(key)) < 8 or key.startswith("django-insecure"):
        raise ImproperlyConfigured(
            "SECRET_KEY is too short or a well-known default, so anybody could forge a session. "
            "Set SECRET_KEY to at least 32 random characters, or remove it and Tunesmith makes its own."
        )
    return key


DEBUG = _flag("DEBUG")
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
IS_HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
    "heroicons",
    "ninja",
    "template_partials",
    "webapp.core",
    "webapp.audit",
    "webapp.accounts",
    "webapp.artifacts",
    "webapp.lineage",
    "webapp.notices",
    "webapp.fleet",
    "webapp.jobs",
    "webapp.basemodels",
    "webapp.datasets",
    "webapp.runs",
    "webapp.adapters",
    "webapp.evaluation",
    "webapp.storekeeper",
    "webapp.dashboard",
    "webapp.api",
    "webapp.launch",
]

MIDDLEWARE = [
    "webapp.core.middleware.RequestId",
    "webapp.core.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "webapp.core.middleware.PlainAddresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "webapp.core.bodylimit.SayTooLarge",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "webapp.audit.context.RememberOrigin",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webapp.core.middleware.SignedOut",
    "django_structlog.middlewares.RequestMiddleware",
    "webapp.core.middleware.HtmxToasts",
    "webapp.core.middleware.Faults",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
WSGI_APPLICATION = "webapp.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.accounts.context.team",
            ],
        },
    }
]

FORM_RENDERER = "webapp.core.forms.Renderer"

DATABASES = {
    "default": dj_database_url.parse(os.environ.get("DATABASE_URL", f"sqlite:///{STATE_DIR}/tunesmith.sqlite3")),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Under ASGI a persistent connection would belong to a thread that never returns; a pool does not leak.
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 16, "timeout": 5}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _redis_url() -> str:
    """REDIS_URL, else what the launcher of this machine wrote about its embedded broker, else nothing."""
    url = os.environ.get("REDIS_URL", "")
    broker_file = STATE_DIR / "broker_url"
    if not url and broker_file.exists():
        url = broker_file.read_text().strip()
    return url


# `redis://…` for a server on the network, `unix://:password@/path/to.sock` for the embedded one.
REDIS_URL = _redis_url()


def _celery_url(url: str) -> str:
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


CELERY_BROKER_URL = _celery_url(REDIS_URL) or "redis://127.0.0.1:1/0"
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "webapp.core.cache.ForgivingRedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "webapp.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {"login_failed": "5/m/ip,5/m/key"}

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# Browsers send a cookie to every port of a host: two installations on one machine would sign each other's people out.
_own_name = hashlib.sha256(str(STATE_DIR).encode()).hexdigest()[:8]
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else f"tunesmith_session_{_own_name}"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else f"tunesmith_csrf_{_own_name}"
CSRF_FAILURE_VIEW = "webapp.core.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if IS_HTTPS else []
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _flag("BEHIND_PROXY") else None
# Whoever a request comes from is then the last address in X-Forwarded-For: the proxy's own word, unlike those before.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _flag("BEHIND_PROXY") else 0
SECURE_SSL_REDIRECT = IS_HTTPS and SECURE_PROXY_SSL_HEADER is not None  # without it every request looks plain
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, past the proxy
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS = ["webapp.artifacts.incoming.FormFile"]
FILE_UPLOAD_TEMP_DIR = STATE_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", STATE_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "webapp.core.finders.UPlotFinder",
]
SERVESTATIC_USE_FINDERS = not STATIC_ROOT.exists()
SERVESTATIC_AUTOREFRESH = False

# Files: a folder by default; an S3-compatible store when a bucket is named.
S3_BUCKET = os.environ.get("S3_BUCKET", "")
FILES_DIR = Path(os.environ.get("FILES_DIR", STATE_DIR / "files"))
if S3_BUCKET:
    from botocore.config import Config

    # Without version 4 signed links would carry the old signature; many S3-compatible servers know no other checksums
    # than those that were asked for, and addresses with the bucket in the path.
    _s3_config = Config(
        signature_version="s3v4",
        s3={"addressing_style": os.environ.get("S3_ADDRESSING_STYLE", "path")},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    _files = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": os.environ.get("S3_ENDPOINT_URL") or None,
            "access_key": os.environ.get("S3_ACCESS_KEY") or None,
            "secret_key": os.environ.get("S3_SECRET_KEY") or None,
            "region_name": os.environ.get("S3_REGION") or None,
            "client_config": _s3_config,
            "file_overwrite": True,
            "default_acl": None,
            "querystring_expire": 300,
        },
    }
else:
    _files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(FILES_DIR)}}
# A front server that sends files by itself is told where: nginx by "X-Accel-Redirect: <prefix>blobs/…" (a folder),
# and with a bucket the browser is sent there, unless only the web tier can reach it.
ACCEL_PREFIX = os.environ.get("ACCEL_PREFIX", "")
S3_REDIRECT = _flag("S3_REDIRECT", default=True)
STORAGES = {
    "default": _files,
    "staticfiles": {
        "BACKEND": "webapp.core.storage.ManifestStorage"
        if STATIC_ROOT.exists()
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

EMAIL_CONFIG = os.environ.get("EMAIL_HOST", "")
# Without a mail server nothing is sent; to print mails would put the keys in them into the log.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_CONFIG else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = EMAIL_CONFIG, int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_USER", ""), os.environ.get("EMAIL_PASSWORD", "")
EMAIL_TIMEOUT = 10  # seconds; a mail server that does not answer must not hold a request for ever
EMAIL_USE_TLS = _flag("EMAIL_TLS", default=True)
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "tunesmith@localhost")

# Tunesmith's own.
UPLOAD_LIMIT_BYTES = int(os.environ.get("UPLOAD_LIMIT_BYTES", str(2 * 1000**3)))
UPLOAD_CHUNK_BYTES = 4 * 1024 * 1024
FILE_FORM_PATHS = (
    r"/t/[^/]+/(datasets/(new|[^/]+/add)|adapters/import)/"  # forms that bring whole files; all else is small
)
UPLOADS_OPEN_PER_TEAM = int(os.environ.get("UPLOADS_OPEN_PER_TEAM", "10"))
SAMPLE_DATASET = BASE_DIR / "webapp" / "launch" / "sample" / "workshop.jsonl"
LINK_SECONDS = 300  # how long a signed link to a download works; who follows it needs the right to at that moment
API_REQUESTS_PER_MINUTE = int(os.environ.get("API_REQUESTS_PER_MINUTE", "3000"))  # of one token; 0: no limit
MODEL_ROOTS = [Path(path) for path in _words("MODEL_ROOTS")]
HUB_ENDPOINT = os.environ.get("HUB_ENDPOINT", "")
NAV_COUNTS = "webapp.dashboard.counts.for_member"
TRASH_DAYS = 7
SETTING_WORDS = "webapp.runs.fields.in_words"  # how jobs, which know no recipes, name a setting of one
TELL = "webapp.notices.actions.tell"  # how apps below notices tell a person something
LINEAGE_KINDS = {  # beginning of an id → who says what stands behind it; see lineage/things.py
    "dver": "webapp.datasets.things.versions",
    "base": "webapp.basemodels.things.models",
    "rec": "webapp.runs.things.recipes",
    "run": "webapp.runs.things.runs",
    "aver": "webapp.adapters.things.versions",
    "imp": "webapp.adapters.things.imports",
    "rep": "webapp.evaluation.things.reports",
}
LICENCE_CHANGED = "webapp.adapters.actions.relicense"  # how datasets let what was made of them hear of another licence
DISK_RESERVE_BYTES = int(os.environ.get("DISK_RESERVE_BYTES", str(1024**3)))
LEASE_SECONDS = 15
LEASE_RENEWAL_SECONDS = 3
HOUSEKEEPING_SECONDS = 5
IDLE_LOOK_SECONDS = 10
MAX_DEATHS_WITHOUT_PROGRESS = 3
WORKER_NAME = os.environ.get("WORKER_NAME", "")  # empty: the machine's host name
WORKER_LABELS = _words("WORKER_LABELS", "reader,hub")
WORKER_DEVICES = os.environ.get("WORKER_DEVICES", "all")
if WORKER_DEVICES not in {"all", "none"}:
    raise ImproperlyConfigured(f"WORKER_DEVICES is all or none, not {WORKER_DEVICES!r}. CUDA_VISIBLE_DEVICES picks.")
LIGHT_SLOTS = int(os.environ.get("LIGHT_SLOTS", "2"))  # jobs without devices that a worker runs at once
SEAL_KEY = os.environ.get("SEAL_KEY", "")  # empty: the key file in STATE_DIR

DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # webapp.core.middleware.RequestId has already judged it
LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"secrets": {"()": "webapp.core.logs.HideSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["secrets"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
logs.configure()
