"""Grafana's dashboards, written with its foundation SDK: `make dashboards`.

parts          what a dashboard is made of: queries, panels, variables, links
overview       what somebody on call looks at first; its lower rows are in overview_rows
route          one route in depth
celery_tasks   the tasks, as celery-exporter counts them
"""
