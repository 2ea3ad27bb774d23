"""The inspection API, `/api/v1`: JSON for programs and for the console's own pages."""
