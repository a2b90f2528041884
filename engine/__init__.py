"""The engine: policies and snapshots in, findings out. Offline, without a clock."""

from .errors import EvaluationError, PolicyError
from .evaluate import evaluate
from .model import Finding, Policy, Severity, Status
from .policies import load_policies

__all__ = [
    "EvaluationError",
    "Finding",
    "Policy",
    "PolicyError",
    "Severity",
    "Status",
    "evaluate",
    "load_policies",
]
