"""What other measurements follow; the documents themselves are the parties'."""

from bench.parties import LIVE as LIVE
