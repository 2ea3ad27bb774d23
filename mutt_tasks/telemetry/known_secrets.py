"""The secrets that this process knows, taken out of whatever it tells others."""

import json
import re
from typing import Any
from urllib.parse import quote, quote_plus


class KnownSecrets:
    """Hides texts in values, in every spelling that logs and traces have for them."""

    def __init__(self, secrets: frozenset[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= 3 for form in _forms(secret)}
        # An error's text often quotes a text that quoted the secret.
        forms |= {again for form in forms for again in _forms(form)}
        self._forms = sorted(forms, key=len, reverse=True)

    def hidden_in(self, value: Any) -> Any:
        """A value without secrets; those of mappings and lists too. What is no number is text."""
        if isinstance(value, dict):
            return {name: self.hidden_in(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.hidden_in(part) for part in value]
        if value is None or isinstance(value, int | float):
            return value
        text = str(value)
        for secret in self._forms:
            text = text.replace(secret, "***")
        return text


def _forms(secret: str) -> set[str]:
    """A secret as it stands, and as URLs, Python and JSON write it."""
    shown = {secret, repr(secret)[1:-1], repr(secret.encode())[2:-1], ascii(secret)[1:-1]}
    shown |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    lower = {re.sub("%..", lambda match: match[0].lower(), form) for form in quoted}
    return shown | quoted | lower
