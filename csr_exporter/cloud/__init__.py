"""The cloud's side: requests over HTTP, how they are authenticated, and the pages that come back.

Nobody outside this room meets HTTP or JSON.
"""

import warnings

from csr_exporter.spared import spared

# To guess the charset of a text, which we never ask for: a tenth of the time to start, and 3 MiB.
with spared("chardet", "charset_normalizer"), warnings.catch_warnings(action="ignore"):
    import requests  # noqa: F401 - for the modules of this room
