"""What the dashboards are made of: queries, panels, variables and links, all in one manner."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.builders import dashboard as make
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import stat as stat_model

# The variable that says which Prometheus.
SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")

# What a panel may be that has queries.
Panel = TypeVar("Panel", stat.Panel, statetimeline.Panel, timeseries.Panel)

TAGS = ["mutt", "remediation"]
RED, ORANGE, GREEN, BLUE, GREY = "red", "orange", "green", "blue", "text"

OURS = 'job=~"$job", namespace=~"$namespace"'

# The labels that our metrics have of their own; a metric of a route has `route`.
_OF_A_ROUTE = (
    *("target_depth", "oldest_message_age_seconds", "estimated_seconds_to_empty", "window"),
    *("under_way", "backoff_seconds", "suspects", "landed_total", "bounces_total"),
    *("forgiven_total", "breaker_trips_total", "sheltered_total", "requeued_total"),
    *("discarded_total", "edited_total", "redirected_total", "undone_total"),
    *("dead_expired_total", "trash_emptied_total", "odd_counters_total"),
)
LABELS: dict[str, tuple[str, ...]] = {
    "dlq_depth": ("dlq_name",),
    "missing_messages_total": ("dlq_name",),
    "replay_fail_total": ("reason",),
    "messages_total": ("route", "outcome"),
    "cycles_total": ("route", "outcome", "reason"),
    "limits_total": ("route", "limit"),
    "ticks_refused_total": ("reason",),
    "loop_duration_seconds_bucket": ("le",),
    **dict.fromkeys(_OF_A_ROUTE, ("route",)),
}


def ours(name: str, *selectors: str) -> str:
    """One of our metrics, of the chosen jobs and namespaces."""
    return f"mutt_remediation_{name}{{{', '.join((OURS, *selectors))}}}"


def once(name: str, *labels: str, where: str = "", of: str = "{}") -> str:
    """The same, summed up by these labels.

    All workers of one Redis show the same numbers, so of several the largest counts once. `of` is
    what is taken of the metric before that, such as `rate({}[5m])`.
    """
    metric = of.format(ours(name, *([where] if where else [])))
    known = f"max by ({', '.join(('job', 'namespace', *LABELS.get(name, ())))}) ({metric})"
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"sum{by} ({known})"


def rate(name: str, *labels: str, where: str = "") -> str:
    """How often a second a counter of ours is raised."""
    return once(name, *labels, where=where, of="rate({}[$__rate_interval])")


def increase(name: str, *labels: str, over: str, where: str = "") -> str:
    """By how much a counter of ours was raised in a time such as `1h`."""
    return once(name, *labels, where=where, of=f"increase({{}}[{over}])")


# --- panels ---


def words(**texts: tuple[str, str]) -> list[dashboard.ValueMapping]:
    """Values as words: `words(v0=("idle", GREEN))` shows 0 as a green "idle"."""
    options = {
        name.removeprefix("v"): dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (name, (text, color)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=options)]


def steps(first: str, *more: tuple[float, str]) -> make.ThresholdsConfig:
    """A colour, also of what has no value, and which one follows from which value on."""
    found = [dashboard.Threshold(value=None, color=first)]
    found += [dashboard.Threshold(value=value, color=color) for value, color in more]
    return make.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def link(title: str, url: str) -> make.DashboardLink:
    """A link of a panel's or of a dashboard's; the other dashboards keep variables and time."""
    found = make.DashboardLink(title).type(dashboard.DashboardLinkType.LINK)
    is_ours = url.startswith("/d/")
    return found.url(url).target_blank(not is_ours).include_vars(is_ours).keep_time(is_ours)


def runbook(alert: str) -> make.DashboardLink:
    """The section of the runbook about an alert."""
    return link(f"Runbook: {alert}", f"${{runbook}}#{alert.lower()}")


def sized(panel: Panel, width: int, height: int) -> Panel:
    """How wide (of 24 columns) and how high a panel is."""
    return panel.span(width).height(height)


def _asking(panel: Panel, queries: Mapping[str, str], instant: bool = False) -> Panel:
    """A panel with these queries, each by its legend."""
    for index, (legend, expression) in enumerate(queries.items()):
        query = prometheus.Dataquery().expr(expression).legend_format(legend)
        query = query.ref_id(chr(ord("A") + index)).datasource(SOURCE)
        panel.with_target(query.instant() if instant else query.range())
    return panel.datasource(SOURCE)


def number(title: str, about: str, expression: str, *, legend: str = "") -> stat.Panel:
    """One large number, or a word for it; `about` says what it means."""
    panel = _asking(stat.Panel(), {legend or title: expression}, instant=True)
    panel = panel.title(title).description(about).graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.color_mode(common.BigValueColorMode.BACKGROUND)
    reduced = looks.ReduceDataOptions().calcs(["lastNotNull"])
    return sized(panel.reduce_options(reduced), 4, 4).thresholds(steps(GREY))


def curves(title: str, about: str, queries: Mapping[str, str]) -> timeseries.Panel:
    """Curves over time, with the last and largest values below."""
    panel = _asking(timeseries.Panel(), queries).title(title).description(about)
    legend = looks.VizLegendOptions().display_mode(common.LegendDisplayMode.TABLE)
    legend = legend.placement(common.LegendPlacement.BOTTOM).show_legend(True)
    tooltip = looks.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = panel.legend(legend.calcs(["lastNotNull", "max"]))
    panel = panel.tooltip(tooltip.sort(common.SortOrder.DESCENDING))
    panel = panel.min(0).line_width(1).fill_opacity(10).show_points(common.VisibilityMode.NEVER)
    return sized(panel, 12, 8)


def shares(title: str, about: str, queries: Mapping[str, str]) -> timeseries.Panel:
    """Bars that show how a whole is divided, from time to time."""
    stacked = looks.StackingConfig().mode(common.StackingMode.PERCENT).group("A")
    panel = curves(title, about, queries).draw_style(common.GraphDrawStyle.BARS)
    return panel.stacking(stacked).fill_opacity(80).unit("percentunit").max(1)


def states(title: str, about: str, queries: Mapping[str, str]) -> statetimeline.Panel:
    """What was true when: one line for each query, 1 or 0."""
    panel = _asking(statetimeline.Panel(), queries).title(title).description(about)
    legend = looks.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    legend = legend.placement(common.LegendPlacement.BOTTOM).show_legend(False)
    return sized(panel.legend(legend).merge_values(True), 24, 7)


# --- a dashboard ---


def one_of(name: str, label: str, query: str) -> make.QueryVariable:
    """One of the values that Prometheus knows: the first, until another one is chosen."""
    found = make.QueryVariable(name).label(label).query({"query": query, "refId": name})
    found = found.datasource(SOURCE).refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return found.sort(dashboard.VariableSort.ALPHABETICAL_ASC)


def some_of(name: str, label: str, query: str) -> make.QueryVariable:
    """All of the values that Prometheus knows, until some are chosen."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    found = one_of(name, label, query).multi(True).include_all(True).current(everything)
    # Everything: also what has no such label at all, as outside of Kubernetes.
    return found.all_value(".*")


def typed(name: str, label: str, value: str) -> make.TextBoxVariable:
    """A value that people type, with the one that it begins with."""
    option = dashboard.VariableOption(selected=True, text=value, value=value)
    return make.TextBoxVariable(name).label(label).default_value(value).current(option)


def common_variables(metric: str) -> list[Any]:
    """Which Prometheus, which of the jobs that tell a metric, and where the links lead."""
    current = dashboard.VariableOption(selected=True, text="default", value="default")
    source = make.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return [
        source.current(current),
        some_of("job", "Job", f"label_values({metric}, job)"),
        some_of("namespace", "Namespace", f'label_values({metric}{{job=~"$job"}}, namespace)'),
        typed("console", "Console", "http://localhost:8088"),
        typed("runbook", "Runbook", "/public/mutt/runbook.md"),
    ]


def board(uid: str, title: str, about: str, variables: Sequence[Any]) -> make.Dashboard:
    """A dashboard without panels; its links lead to the others, the console and the runbook."""
    found = make.Dashboard(title).uid(uid).description(about).tags(TAGS).timezone("browser")
    # As often as Prometheus scrapes twice: more would only cost.
    found = found.readonly().time("now-3h", "now").refresh("30s").version(1)
    found = found.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).variables(list(variables))
    others = make.DashboardLink("MUTT").type(dashboard.DashboardLinkType.DASHBOARDS).tags(TAGS)
    found = found.link(others.include_vars(True).keep_time(True).as_dropdown(False))
    found = found.link(link("Console", "${console}")).link(link("Runbook", "${runbook}"))
    fired = make.AnnotationQuery().name("Alerts").datasource(SOURCE).enable(True)
    fired = fired.icon_color(RED).expr('ALERTS{service="remediation", alertstate="firing"}')
    return found.annotation(fired)


def finished(found: make.Dashboard) -> dashboard.Dashboard:
    """The dashboard, each panel with a number; a figure that no colour says more of stays plain."""
    built = found.build()
    for number_of_it, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number_of_it
        options: Any = getattr(panel, "options", None)
        if isinstance(options, stat_model.Options) and _is_plain(panel):
            options.color_mode = common.BigValueColorMode.NONE
    return built


def _is_plain(panel: Any) -> bool:
    look = panel.field_config.defaults
    return not look.mappings and [each.color for each in look.thresholds.steps] == [GREY]
