"""An imitation of SSL Certificate Manager, IAM and the metadata service over real HTTP, for tests and the demo.

It is written from the reference of the services and imports nothing of the exporter: a misreading shared by both
would pass every test. Times are Unix seconds unless a field of the API says milliseconds.
"""

from csr_exporter.simulator.account import MetadataMode, NameMatch, OffsetMode, SimulatedAccount
from csr_exporter.simulator.faults import (
    Break,
    ExpireTokens,
    Fault,
    Latency,
    Mutation,
    RawReply,
    Status,
    Throttle,
    outage,
)
from csr_exporter.simulator.messages import SeenRequest
from csr_exporter.simulator.server import Simulator, serve

__all__ = [
    "Break",
    "ExpireTokens",
    "Fault",
    "Latency",
    "MetadataMode",
    "Mutation",
    "NameMatch",
    "OffsetMode",
    "RawReply",
    "SeenRequest",
    "SimulatedAccount",
    "Simulator",
    "Status",
    "Throttle",
    "outage",
    "serve",
]
