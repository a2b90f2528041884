"""Policy as code over still pictures of an AWS estate."""

__version__ = "0.1.0"
