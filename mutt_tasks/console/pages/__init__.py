"""The console's pages: HTML for people, from the same operations as the API."""
