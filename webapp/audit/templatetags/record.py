from django import template
from django.utils.safestring import SafeString

from webapp.audit import words
from webapp.audit.models import Event

register = template.Library()


@register.simple_tag
def record_sentence(event: Event) -> SafeString:
    return words.sentence(event)
