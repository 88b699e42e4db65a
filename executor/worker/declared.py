"""The functions of a worker's modules: which jobs they are for.

The modules are imported into the worker itself: it exists for them, so one that does not import
ends it, with words, before it has taken anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from executor.domain.errors import ConfigError, Fault, InvalidJob
from executor.domain.job import definition_from_document
from executor.domain.targets import PythonTarget
from executor.jobs import declaration_of


def declared_targets(modules: Iterable[str], wanted: Iterable[str]) -> dict[str, PythonTarget]:
    """Return what is called for each job of *modules*, by the job's name.

    Args:
        wanted: names of the jobs to keep; all of them if there are none.

    Raises:
        ConfigError: with everything that is wrong: a module does not import, a declaration is no
            job, two functions are for the same job, or a wanted job has none.
    """
    faults: list[Fault] = []
    targets: dict[str, PythonTarget] = {}
    for module in modules:
        for name, target in _targets_of(module, faults):
            if name in targets:
                faults.append(Fault(module, f"job {name!r} is {targets[name].callable} already"))
            targets[name] = target
    if not targets and not faults:
        faults.append(Fault("MODULE", "no function there is decorated with @job"))
    known = ", ".join(sorted(targets)) or "none"
    for name in sorted(set(wanted) - targets.keys()):
        faults.append(Fault("--jobs", f"there is no job {name!r}; there are {known}"))
    if faults:
        raise ConfigError(faults)
    chosen = frozenset(wanted) or targets.keys()
    return {name: target for name, target in targets.items() if name in chosen}


def _targets_of(module: str, faults: list[Fault]) -> list[tuple[str, PythonTarget]]:
    try:
        namespace = vars(import_module(module))
    # Whatever a module does when it is imported is its author's business.
    except Exception as error:
        faults.append(Fault(module, f"cannot be imported: {error!r}"))
        return []
    found = []
    for function in namespace.values():
        declaration = declaration_of(function)
        if declaration is None or function.__module__ != module:
            continue
        called = {"callable": f"{module}:{function.__name__}"}
        # Only what is called is this worker's business; when and how often is the job's.
        target = {**declaration.document["target"], **called}
        try:
            definition = definition_from_document({"name": declaration.name, "target": target})
        except InvalidJob as error:
            faults += [fault.under(f"{module}:{function.__name__}") for fault in error.faults]
            continue
        assert isinstance(definition.target, PythonTarget)
        found.append((declaration.name, definition.target))
    return found
