"""Reading a page as a browser would, looking for what a strict policy forbids and for forms to fill."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

RESOURCES = {("script", "src"), ("link", "href"), ("img", "src"), ("source", "src"), ("use", "href"), ("image", "href")}
ADDRESSES = {
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "hx-get",
    "hx-post",
    "hx-put",
    "hx-patch",
    "hx-delete",
}
FORBIDDEN_TAGS = {"style", "base", "iframe", "frame", "object", "embed", "applet", "meta-refresh"}


FREE = "\0"  # a field that takes any text


@dataclass
class Form:
    """A form as it would be sent untouched, with FREE in the fields that a person types into."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """`faults` are sentences; `tags` and `attributes` are everything that stands in the page as markup."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.forms: list[Form] = []
        self._select = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(known)
        self._look_for_faults(tag, known)
        self._note_form(tag, known)

    handle_startendtag = handle_starttag

    def _look_for_faults(self, tag: str, known: dict[str, str]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.faults.append(f"<{tag}>")
        if tag == "script" and "src" not in known and known.get("type") != "application/json":
            self.faults.append("a script in the page")
        for name, value in known.items():
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f'<{tag} {name}="{value[:60]}">')
            if (tag, name) in RESOURCES and _is_elsewhere(value):
                self.faults.append(f"something from another host: <{tag} {name}={value}>")
            if name in ADDRESSES and urlsplit(value.strip()).scheme.lower() in {"javascript", "vbscript", "data"}:
                self.faults.append(f"<{tag} {name}={value[:60]}>")
            if name in {"hx-vals", "hx-headers"} and value.strip().startswith(("js:", "javascript:")):
                self.faults.append(f"<{tag} {name}={value[:60]}>")

    def _note_form(self, tag: str, known: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(known.get("action", ""), known.get("method", "get").lower()))
        elif tag in {"input", "textarea", "select", "button"} and known.get("name") and self.forms:
            fixed = known.get("type") in {"hidden", "radio", "checkbox", "submit"} or tag in {"select", "button"}
            self.forms[-1].fields.setdefault(known["name"], known.get("value", "") if fixed else FREE)
            self._select = known["name"] if tag == "select" else ""
        elif tag == "option" and self._select and ("selected" in known or not self.forms[-1].fields[self._select]):
            self.forms[-1].fields[self._select] = known.get("value", "")


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}
