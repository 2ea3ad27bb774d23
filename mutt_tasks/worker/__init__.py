"""What runs beside the tasks in a worker's main process: looks, checks, two HTTP servers."""
