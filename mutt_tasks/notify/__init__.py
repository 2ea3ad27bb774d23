"""`mutt-notify`: tells people what no metric carries. It reads, and moves nothing."""
