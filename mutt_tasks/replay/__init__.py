"""One cycle's replays, route by route: learn, admit, select, commit."""
