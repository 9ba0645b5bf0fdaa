"""The cloud's side: requests over HTTP, how they are authenticated, and the pages that come back.

Nobody outside this room meets HTTP or JSON.
"""
