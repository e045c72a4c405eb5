"""Accounts in the roots: what may be asked before and after signing in, sign-up, sign-in, sessions, invites."""

from __future__ import annotations

import strawberry

from schema.members import Device as Device
from schema.members import Member as Member
from schema.members import MemberKey as MemberKey
from schema.members import MemberLink as MemberLink
from schema.members import load_device as load_device
from schema.members import load_member as load_member


@strawberry.type
class IdentityQuery:
    """The fields of `Query` about accounts."""


@strawberry.type
class IdentityMutation:
    """The fields of `Mutation` about accounts."""
