"""Random histories of what a program may publish, from a seed."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

from e2e.engine.load import Answers
from e2e.engine.resources import (
    assignment,
    cluster,
    connection_manager,
    listener,
    route_configuration,
)
from xds.resources import Resource

MAIN = "main"


@dataclass
class Content:
    """Clusters with their endpoints, the paths to them, and listeners besides the one in use."""

    timeouts: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, frozenset[int]] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    # Listener → how often it was changed, and the target of its own routes.
    listeners: dict[str, tuple[int, str]] = field(default_factory=dict)

    def answers(self) -> Answers:
        """Return who answers for each path."""
        return {path: self.endpoints[name] for path, name in self.targets.items()}

    def resources(self, ports: Mapping[str, int]) -> Iterator[Resource]:
        """Return all there is to publish, with listeners on these ports."""
        for name, timeout in self.timeouts.items():
            yield cluster(name, timeout=timeout)
            yield assignment(name, self.endpoints[name])
        yield route_configuration(MAIN, self.targets)
        yield listener(MAIN, ports[MAIN], connection_manager(MAIN))
        for name, (revision, target) in self.listeners.items():
            yield route_configuration(name, {"/": target})
            manager = connection_manager(name, server_name=f"revision-{revision}")
            yield listener(name, ports[name], manager)


class History:
    """One content after the other, each some random edits away from the one before."""

    def __init__(self, seed: int, backends: tuple[int, ...], listeners: tuple[str, ...]) -> None:
        self._random = Random(seed)  # noqa: S311  a history to repeat, no secret
        self._backends = backends
        self._listeners = listeners
        self._names = 0
        self.content = Content()
        for _ in range(3):
            self._add_cluster()

    def contents(self, count: int) -> Iterator[Content]:
        """Return as many contents, one after the other."""
        edits = (
            self._add_cluster,
            self._remove_cluster,
            self._change_cluster,
            self._change_endpoints,
            self._change_route,
            self._change_listener,
            self._remove_listener,
        )
        for _ in range(count):
            self.content = deepcopy(self.content)
            for edit in self._random.sample(edits, self._random.randint(1, 3)):
                edit()
            yield self.content

    def _one(self, of: Mapping[str, object]) -> str:
        return self._random.choice(sorted(of))

    def _some_backends(self) -> frozenset[int]:
        return frozenset(self._random.sample(self._backends, self._random.randint(1, 3)))

    def _add_cluster(self) -> None:
        self._names += 1
        name = f"cluster-{self._names}"
        self.content.timeouts[name] = 1000
        self.content.endpoints[name] = self._some_backends()
        self.content.targets[f"/{self._names}"] = name

    def _remove_cluster(self) -> None:
        """Remove a cluster; half of the paths to it lead elsewhere from now on."""
        content = self.content
        if len(content.timeouts) < 3:
            return
        name = self._one(content.timeouts)
        del content.timeouts[name], content.endpoints[name]
        for path, target in sorted(content.targets.items()):
            if target == name:
                if self._random.random() < 0.5 or len(content.targets) < 3:
                    content.targets[path] = self._one(content.timeouts)
                else:
                    del content.targets[path]
        for each, (revision, target) in sorted(content.listeners.items()):
            if target == name:
                content.listeners[each] = (revision, self._one(content.timeouts))

    def _change_cluster(self) -> None:
        """Change a cluster and not its endpoints: it warms until those arrive once more."""
        self.content.timeouts[self._one(self.content.timeouts)] += 1

    def _change_endpoints(self) -> None:
        self.content.endpoints[self._one(self.content.endpoints)] = self._some_backends()

    def _change_route(self) -> None:
        path = self._one(self.content.targets)
        self.content.targets[path] = self._one(self.content.timeouts)

    def _change_listener(self) -> None:
        """Add a listener, or change it and its routes."""
        name = self._random.choice(self._listeners)
        revision, _ = self.content.listeners.get(name, (0, ""))
        self.content.listeners[name] = (revision + 1, self._one(self.content.timeouts))

    def _remove_listener(self) -> None:
        if self.content.listeners:
            del self.content.listeners[self._one(self.content.listeners)]
