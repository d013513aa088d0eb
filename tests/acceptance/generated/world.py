"""The servers that configurations are made of: those of `fleet.yaml`, in three accounts and several Regions."""

from dataclasses import dataclass
from pathlib import Path

from ..simulator import Simulator

FLEET = Path(__file__).parent / "fleet.yaml"
HOME = "111122223333"
REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{HOME}:disaster-recovery"
# Other accounts by the labels of their targets, and the Regions in which they have servers.
SPOKES = {"ledger": "444455556666", "vault": "777788889999"}
# A Region of the home account without servers.
EMPTY = (HOME, "eu-west-1")
# Servers that may be in one group together, where they share a tag or not.
UNITS = (
    ("db-1", "db-2"),
    ("app-1", "app-2", "app-3"),
    ("web-1", "web-2"),
    ("files-1", "directory-1"),
    ("print-1", "mail-1"),
    ("wiki-1",),
    ("cache-1", "cache-2"),
    ("ledger-1", "ledger-2"),
    ("books-1",),
    ("vault-1", "vault-2"),
)
# It is in its initial sync, so no drill launches it.
UNDRILLED = "wiki-1"
# Those that do not boot in the subnets that are for drills.
UNGUARDED = {"files-1", "directory-1", "print-1", "mail-1", "wiki-1"}

# An account and a Region of it.
Place = tuple[str, str]


@dataclass(frozen=True)
class Server:
    """A source server."""

    id: str
    place: Place
    tags: dict[str, str]
    points: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """The servers that there are, by host name."""

    servers: dict[str, Server]

    @classmethod
    def of(cls, simulator: Simulator) -> "World":
        servers = {}
        for account, region in PLACES:
            drs = simulator.client("drs", region, account)
            for item in drs.describe_source_servers()["items"]:
                hostname = item["sourceProperties"]["identificationHints"]["hostname"]
                found = drs.describe_recovery_snapshots(sourceServerID=item["sourceServerID"], order="ASC")["items"]
                points = tuple(point["snapshotID"] for point in found)
                servers[hostname] = Server(item["sourceServerID"], (account, region), item["tags"], points)
        return cls(dict(sorted(servers.items())))

    def selected(self, tags: dict[str, str], place: Place) -> list[str]:
        """The servers of a place that carry tags, in launch order."""
        return [name for name, it in self.servers.items() if it.place == place and tags.items() <= it.tags.items()]


# Where there are servers.
PLACES: tuple[Place, ...] = (
    (HOME, REGION),
    (HOME, "us-west-2"),
    (SPOKES["ledger"], "us-east-1"),
    (SPOKES["ledger"], "eu-central-1"),
    (SPOKES["vault"], "eu-west-1"),
)
# Where the function and the document of the fleet are.
STUBS: set[Place] = {(HOME, REGION), (SPOKES["ledger"], "us-east-1")}


def spoke(account: str) -> str | None:
    """The label of the target of an account; none for the home account."""
    return next((key for key, other in SPOKES.items() if other == account), None)
