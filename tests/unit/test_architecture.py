"""The house rules that a reader relies on: who may import whom, how long a file is, what Lua says.

Every rule is checked on the files as they are, whatever they are called.
"""

import ast
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "mutt_tasks"
FILES = [*sorted((ROOT / PACKAGE).rglob("*.py")), ROOT / "celeryconfig.py"]
SCRIPTS = sorted((ROOT / PACKAGE / "store" / "lua").glob("*.lua"))

# From the outside in: what stands in one line may import what stands below, not beside or above.
LAYERS = (
    (f"{PACKAGE}.cycle", f"{PACKAGE}.operations"),
    (f"{PACKAGE}.replay", f"{PACKAGE}.checking"),
    (f"{PACKAGE}.surroundings", f"{PACKAGE}.runtime_settings"),
    (f"{PACKAGE}.store", f"{PACKAGE}.moogsoft", f"{PACKAGE}.levels.prometheus"),
    (f"{PACKAGE}.core",),
)
# Values that the environment decides, and errors: known to every layer that may know them.
GROUND = (
    f"{PACKAGE}.settings",
    f"{PACKAGE}.errors",
    f"{PACKAGE}.release",
    f"{PACKAGE}.transport",
)
CELERYS = {
    f"{PACKAGE}.{name}"
    for name in (
        *("tasks", "celery", "broker", "schedule", "checked", "telemetry.announcing"),
        *(
            f"worker.{each}"
            for each in ("audit_log", "background", "oversight", "serving", "survival")
        ),
        "cli.application",
    )
}
# What people see and act with: they reach everything through operations.
FACES = (f"{PACKAGE}.cli", f"{PACKAGE}.console")
# What opens settings and store for them, one module of each, and starts a process.
OPENERS = frozenset(
    {
        f"{PACKAGE}.{name}"
        for name in (
            *("cli.application", "console.application", "console.command"),
            "console.__main__",  # says what is missing where the others cannot be imported
        )
    }
)
# What only an extra brings, and the package that it is for.
EXTRAS = {
    **dict.fromkeys(("fastapi", "starlette", "uvicorn", "jinja2"), "console"),
    "apprise": "notify",
}


def name_of(path: Path) -> str:
    """A file's module name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def imports_of(name: str) -> set[str]:
    """Everything that a module imports anywhere in its text, as full names.

    `from a import b` counts as both `a` and `a.b`, for `b` may be a module.
    """
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                kept = parts[: len(parts) - node.level + 1]
                base = ".".join([*kept, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


IMPORTS = {name: imports_of(name) for name in MODULES}


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def modules_in(*packages: str) -> list[str]:
    return [name for name in MODULES if any(is_in(name, package) for package in packages)]


def importers_of(*packages: str) -> set[str]:
    return {
        name
        for name, imported in IMPORTS.items()
        if any(is_in(each, package) for each in imported for package in packages)
    }


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 25
    assert len(SCRIPTS) > 5
    for package in (*GROUND, *CELERYS, *(name for layer in LAYERS for name in layer)):
        assert modules_in(package)
    assert importers_of("redis")
    assert importers_of("celery")


# --- who may import whom ---


@pytest.mark.parametrize("name", modules_in(f"{PACKAGE}.core"))
def test_core_imports_the_standard_library_and_itself(name: str) -> None:
    strangers = {
        imported
        for imported in IMPORTS[name]
        if imported.partition(".")[0] not in sys.stdlib_module_names
        and not is_in(imported, f"{PACKAGE}.core")
    }

    assert strangers == set()


@pytest.mark.parametrize("name", modules_in(f"{PACKAGE}.core"))
def test_core_reads_no_clock_no_environment_and_no_chance(name: str) -> None:
    impure = {"time", "os", "random", "secrets", "uuid", "socket", "io", "pathlib", "subprocess"}
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    clocks = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
    }

    assert {imported.partition(".")[0] for imported in IMPORTS[name]} & impure == set()
    assert clocks == set()
    assert not {"open", "print", "input"} & {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_only_the_store_knows_redis() -> None:
    outside = importers_of("redis") - set(modules_in(f"{PACKAGE}.store"))

    assert outside == set()


def test_only_tasks_application_schedule_and_servers_know_celery() -> None:
    known = CELERYS | {"celeryconfig"}

    assert importers_of("celery", "kombu", "billiard", "vine", "amqp") - known == set()


def test_the_application_and_its_tasks_are_imported_by_no_inner_module() -> None:
    known = CELERYS | {"celeryconfig"} | set(modules_in(*FACES))

    assert importers_of("celeryconfig", *CELERYS) - known == set()


def test_operations_know_the_store_and_core_alone() -> None:
    """So that every face can use them, and none needs a worker's code or a broker."""
    known = (f"{PACKAGE}.operations", f"{PACKAGE}.store", f"{PACKAGE}.core", *GROUND)
    wrong = {
        imported
        for name in modules_in(f"{PACKAGE}.operations")
        for imported in IMPORTS[name]
        if imported.partition(".")[0] not in sys.stdlib_module_names
        and imported != PACKAGE
        and not any(is_in(imported, package) for package in known)
    }

    assert modules_in(f"{PACKAGE}.operations.status")
    assert wrong == set()


def test_faces_reach_everything_through_operations() -> None:
    """What they open a store or the settings with is their application's; none needs another."""
    known = tuple(f"{PACKAGE}.{name}" for name in ("operations", "core", "errors", "release"))
    wrong = {
        (name, imported)
        for face in FACES
        for name in modules_in(face)
        for imported in IMPORTS[name]
        if is_in(imported, PACKAGE)
        and imported != PACKAGE
        and name not in OPENERS
        and not any(is_in(imported, package) for package in (face, *known))
    }
    cycles = {f"{PACKAGE}.{name}" for name in ("cycle", "replay", "checking", "tasks")}

    assert modules_in(*FACES)
    assert wrong == set()
    assert OPENERS & importers_of(*cycles) == set()
    assert importers_of(*FACES) - set(modules_in(*FACES)) == set()


def test_only_its_own_package_needs_what_an_extra_brings() -> None:
    for library, package in EXTRAS.items():
        outside = importers_of(library) - set(modules_in(f"{PACKAGE}.{package}"))
        assert outside == set(), library


def test_the_notifier_moves_nothing_and_is_needed_by_nothing_but_its_trial() -> None:
    notifier = f"{PACKAGE}.notify"
    ours = set(modules_in(notifier))
    movers = {
        f"{PACKAGE}.{name}"
        for name in ("cycle", "replay", "tasks", "worker.survival", "store.queues")
    }

    assert modules_in(notifier)
    assert importers_of("apprise") == {f"{notifier}.targets"}
    assert importers_of(notifier) - ours == {f"{PACKAGE}.cli.application"}
    assert ours & importers_of(*movers, "celery") == set()


def test_a_command_line_that_is_only_imported_loads_nothing() -> None:
    """Every `celery` command imports the group."""
    for name in (f"{PACKAGE}.cli", f"{PACKAGE}.cli.group"):
        ours = {each for each in IMPORTS[name] if is_in(each, PACKAGE) and each != PACKAGE}
        assert ours <= {f"{PACKAGE}.errors"}


def test_the_program_imports_no_stand_in_and_nothing_that_is_not_installed() -> None:
    outsiders = ("demo", "stand_ins", "benchmarks", "tests", "tools")

    assert all((ROOT / name).is_dir() for name in outsiders)
    assert importers_of(*outsiders) == set()


@pytest.mark.parametrize("name", modules_in(f"{PACKAGE}.store"))
def test_the_store_knows_of_the_settings_only_what_an_address_is(name: str) -> None:
    address = f"{PACKAGE}.settings.redis_address"
    known = {each for each in IMPORTS[name] if is_in(each, f"{PACKAGE}.settings") or each == "os"}

    assert {each for each in known if not is_in(each, address)} == set()


def test_only_settings_read_the_environment() -> None:
    readers = {
        name
        for name in MODULES
        if re.search(r"\bos\.(environ|getenv)", MODULES[name].read_text(encoding="utf-8"))
    }

    assert readers == {
        f"{PACKAGE}.settings.checks",
        f"{PACKAGE}.settings.loading",
    }


def test_the_environment_is_read_in_one_place_of_a_process() -> None:
    callers = {
        name
        for name in MODULES
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("load", "loading.load")
    }

    assert callers == {f"{PACKAGE}.environment"}


def allowed_below(depth: int) -> tuple[str, ...]:
    return tuple(name for layer in LAYERS[depth + 1 :] for name in layer) + GROUND


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (depth, name)
        for depth, layer in enumerate(LAYERS)
        for package in layer
        for name in modules_in(package)
    ],
)
def test_arrows_point_inward(layer: int, name: str) -> None:
    own = next(package for package in LAYERS[layer] if is_in(name, package))
    wrong = {
        imported
        for imported in IMPORTS[name]
        if is_in(imported, PACKAGE)
        and imported != PACKAGE
        and not any(is_in(imported, package) for package in (own, *allowed_below(layer)))
    }
    # `from mutt_tasks import x` names the package too; x itself is looked at.
    assert wrong == set()


@pytest.mark.parametrize("name", modules_in(*GROUND))
def test_the_ground_stands_on_itself_and_core(name: str) -> None:
    wrong = {
        imported
        for imported in IMPORTS[name]
        if is_in(imported, PACKAGE)
        and imported != PACKAGE
        and not any(is_in(imported, package) for package in (*GROUND, f"{PACKAGE}.core"))
    }

    assert wrong == set()


def test_no_imports_run_in_a_circle() -> None:
    waiting = {name: IMPORTS[name] & MODULES.keys() - {name, PACKAGE} for name in MODULES}
    while free := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {name: needs for name, needs in waiting.items() if name not in free}

    assert waiting == {}


def test_broad_excepts_stand_only_at_the_edge() -> None:
    """Inside, an error is caught by its name; `BaseException` is for cleaning up and going on."""
    broad = set()
    for name in modules_in(*(package for layer in LAYERS for package in layer), *GROUND):
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            ):
                broad.add(f"{name}:{node.lineno}")

    assert broad == set()


# --- how long, and how explained ---


@pytest.mark.parametrize(
    "name",
    MODULES,
)
def test_a_module_is_under_350_lines(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) < 350


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.stat().st_size])
def test_a_module_opens_with_what_it_is_for(name: str) -> None:
    docstring = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8"))) or ""

    assert re.match(r"[^a-z\s].*[.:!?]$", docstring.partition("\n\n")[0], re.DOTALL) or (
        name == PACKAGE
    )


def heading_of(text: str) -> str:
    """The comment lines that a script opens with."""
    return "".join(re.findall(r"\A(?:--.*\n)+", text))


@pytest.mark.parametrize(
    "script",
    [pytest.param(path, id=path.stem) for path in SCRIPTS],
)
def test_a_script_opens_with_its_purpose(script: Path) -> None:
    assert re.match(r"-- Purpose: [a-z]", script.read_text(encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_documents_every_key_and_argument_that_it_uses(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    heading = heading_of(text)
    code = text[len(heading) :]

    for kind in ("KEYS", "ARGV"):
        found = re.findall(rf"\b{kind}\[(\d+)(\.\.)?\] ->", heading)
        documented = {int(number) for number, _ in found}
        used = {int(number) for number in re.findall(rf"\b{kind}\[(\d+)\]", code)}
        if kind == "ARGV":
            # Lists are read one after the other from here on.
            used |= {int(number) for number in re.findall(r"lists_of_args\((\d+)\)", code)}
        # `KEYS[4..] ->` stands for all from there on, and so does an index that is reckoned.
        is_open = any(dots for _, dots in found) or (
            kind == "ARGV" and re.search(r"^-- next +->", heading, re.MULTILINE) is not None
        )
        is_reckoned = re.search(rf"\b{kind}\[[a-z]", code) is not None or (
            kind == "ARGV" and "lists_of_args(" in code
        )
        assert documented == set(range(1, len(documented) + 1))
        assert used <= documented
        assert documented <= used or is_reckoned
        assert not (is_open and not is_reckoned)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_that_returns_says_what(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    heading = heading_of(text)

    if re.search(r"\b(KEYS|ARGV)\[", text):
        assert re.search(r"^-- Returns \S", heading, re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_names_no_key_and_parses_no_json(script: Path) -> None:
    """Keys come from keys.py and settings, so that a script declares all that it touches."""
    text = script.read_text(encoding="utf-8")

    assert "cjson" not in text
    assert re.findall(r"""["']mutt:""", text) == []
    first_arguments = re.findall(r"redis\.(?:p?call)\(\s*'[A-Z]+'\s*,\s*('[^']*')", text)
    assert first_arguments == []


def calls_of_scripts() -> Iterable[str]:
    for name in modules_in(f"{PACKAGE}.store"):
        yield from re.findall(r'\.call\(\s*"(\w+)"', MODULES[name].read_text(encoding="utf-8"))


def test_every_script_is_called_or_shared_and_every_call_has_its_script() -> None:
    scripts = {path.stem for path in SCRIPTS if "KEYS[" in path.read_text(encoding="utf-8")}

    assert set(calls_of_scripts()) == scripts


# --- how large, and how called ---


def nodes_of(*kinds: type[ast.AST]) -> Iterable[tuple[str, ast.AST]]:
    """Every node of these kinds, with the place where it stands."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield f"{name}:{getattr(node, 'lineno', 0)}", node


def lines_of(node: ast.AST) -> int:
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    return last - first + 1


def test_no_class_is_over_150_lines() -> None:
    assert {place for place, node in nodes_of(ast.ClassDef) if lines_of(node) > 150} == set()


def test_no_function_is_over_40_lines() -> None:
    assert {place for place, node in nodes_of(ast.FunctionDef) if lines_of(node) > 40} == set()


def test_no_call_has_more_than_5_positional_arguments() -> None:
    """`TypeVar` takes the types that it may stand for, as many as there are."""
    wide = {
        place
        for place, node in nodes_of(ast.Call)
        if isinstance(node, ast.Call)
        and len(node.args) > 5
        and not any(isinstance(each, ast.Starred) for each in node.args)
        and ast.unparse(node.func) != "TypeVar"
    }

    assert wide == set()
