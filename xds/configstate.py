"""Know what there is to tell of the configuration: what is in force, and what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the files, as they are now, are not in force; `since` when not."""

    since: datetime
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """What is served: one version for each kind of resource; `since` when.

    `from_state_dir` tells that it was read from the state directory, as the files were refused.
    """

    since: datetime
    versions: Mapping[str, str]
    from_state_dir: bool = False


@dataclass(frozen=True, slots=True)
class ConfigState:
    """The state of a configuration that is followed; holds nothing of what the files say."""

    files: tuple[str, ...]
    in_force: InForce | None = None
    refusal: Refusal | None = None
    state_dir: str | None = None
    state_dir_trouble: str | None = None

    @property
    def waits_for(self) -> str | None:
        """Why nothing is served yet, or None where something is."""
        if self.in_force is not None:
            return None
        problems = self.refusal.problems if self.refusal else ("the files are being read",)
        return "\n".join(problems)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values; times are in UTC."""
        force, refusal = self.in_force, self.refusal
        return {
            "files": list(self.files),
            "in_force": force
            and {
                "since": force.since.isoformat(),
                "versions": dict(force.versions),
                "from_state_dir": force.from_state_dir,
            },
            "refused": refusal
            and {"since": refusal.since.isoformat(), "problems": list(refusal.problems)},
            "state_dir": self.state_dir
            and {"path": self.state_dir, "trouble": self.state_dir_trouble},
        }
