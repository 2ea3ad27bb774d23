"""`python -m mutt_tasks.notify`, the same as the script `mutt-notify`."""

from mutt_tasks.notify.process import main

main()
