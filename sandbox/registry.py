"""Find the systems: every folder of the sandbox whose package has a `SYSTEM`, in alphabetical
order.
"""

import pkgutil
from importlib import import_module

import sandbox
from sandbox.registration import SystemRegistration


def find_systems() -> list[SystemRegistration]:
    """Return the registered systems. Raises ValueError where a key differs from its folder."""
    names = [module.name for module in pkgutil.iter_modules(sandbox.__path__) if module.ispkg]
    registered = {name: getattr(import_module(f"sandbox.{name}"), "SYSTEM", None) for name in names}
    systems = {name: system for name, system in registered.items() if system is not None}
    for name, system in systems.items():
        if system.key != name:
            raise ValueError(f"sandbox/{name} registers the key {system.key!r}, not {name!r}")
    return list(systems.values())
