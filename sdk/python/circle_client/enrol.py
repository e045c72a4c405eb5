"""A new store for a member who has an account already: by the recovery key, or let in by a linked device."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from circle_client.account import Account, clean_handle, remove_store, stretch
from circle_client.engine.api import Api
from circle_client.engine.convert import SessionFacts
from circle_client.engine.devices import QR
from circle_client.engine.engine import millis
from circle_client.engine.kept import StoredPast
from circle_client.engine.refresh import ACCOUNT_PIN
from circle_client.errors import InvalidInput, KeysMissing, Offline, Refused, StoreError, Untrusted, WrongPassword
from circle_client.gql.enums import SessionKind
from circle_client.gql.input_types import SignInInput
from circle_client.machine.enrol import NewDevice, Recovered, let_in, recover
from circle_client.machine.keyring import Keyring
from circle_client.machine.machine import Machine
from circle_client.machine.people import Known, MemberFacts, People
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.linking import link_id, link_words, new_link_key, verify_link_answer
from circle_client.protocol.password import PasswordRoot
from circle_client.protocol.structures import Head
from circle_client.protocol.words import RecoveryKeys, from_words, recovery_keys
from circle_client.store import Lock, Store
from circle_client.transport import Backoff, Transport

Show = Callable[[list[str], str], Awaitable[None] | None]
"""Takes the twelve words and the text of the QR code, for the person to see."""

_TRIES = 8
_POLL, _PATIENCE = 1.0, 330.0
_MOVED = {"CHAIN_CONFLICT", "GENERATION_CONFLICT"}


@dataclass(frozen=True, slots=True)
class Guest:
    """Signed in by the password alone, without a device."""

    api: Api
    path: str | Path
    handle: str
    parameters: tuple[bytes, int, int, int]
    root: PasswordRoot
    session: SessionFacts

    async def facts(self) -> tuple[MemberFacts, Known]:
        """The own chain and key, verified from link 0. Raises Untrusted, KeysMissing."""
        member = self.session.me.protocol_id
        for facts in await self.api.members([member]):
            return facts, People().learn(facts)
        raise KeysMissing("The server does not show this account's keys.")

    def account(self, keyring: Keyring, facts: MemberFacts, pin: Head | None = None) -> Account:
        """A new store with the device's keys in it, and what the account's log must hold. Raises StoreError."""
        lock = Lock(self.handle, keyring.member, keyring.device, *self.parameters)
        store = Store.create(self.path, lock, self.root.unlock_key(keyring.member, keyring.device))
        try:
            past = StoredPast(store)
            machine = Machine(keyring, past)
            machine.learn(facts)
            session = self.session
            auth_key = self.root.auth_key()
            account = Account(self.api, store, past, machine, session.me, session.node, session.space, auth_key)
            if pin is not None:
                with store.transaction():
                    store.put(ACCOUNT_PIN, b"", [pin.n, pin.hash])
            account.keep_session(session.token, session.node)
        except BaseException:
            store.close()
            remove_store(self.path)
            raise
        return account


async def enter(origin: str, handle: str, password: str, path: str | Path) -> Guest:
    """Sign in without a device. Raises InvalidInput, StoreError, WrongPassword, Refused, Offline."""
    handle = clean_handle(handle)
    if Store.exists(path):
        raise StoreError("There is a file by that name already.")
    api = Api(Transport(origin))
    try:
        parameters = await api.password_parameters(handle)
        root = await stretch(password, *parameters)
        input = SignInInput(handle=handle, authKey=root.auth_key(), session=SessionKind.BEARER, label="Python")
        try:
            session = await api.sign_in(input)
        except Refused as error:
            if error.code == "WRONG_PASSWORD":
                raise WrongPassword(error.message) from error
            raise
        api.transport.token = session.token
    except BaseException:
        await api.transport.close()
        raise
    return Guest(api, path, handle, parameters, root, session)


async def recover_account(
    origin: str, handle: str, password: str, words: str, path: str | Path, device_name: str
) -> Account:
    """See `Circle.recover`."""
    try:
        key = from_words(words)
    except ProtocolError as error:
        raise InvalidInput(error.message) from error
    guest = await enter(origin, handle, password, path)
    try:
        member = guest.session.me.protocol_id
        return await _recovered(guest, recovery_keys(key, member), NewDevice.make(member, millis()), device_name)
    except BaseException:
        await guest.api.transport.close()
        raise


async def _recovered(guest: Guest, recovery: RecoveryKeys, device: NewDevice, name: str) -> Account:
    backoff = Backoff()
    for left in range(_TRIES, -1, -1):
        facts, known = await guest.facts()
        box = await guest.api.devices.recovery_box()
        if box is None or box[0] != known.key.generation:
            if not left:
                raise KeysMissing("The server hands out nothing that the recovery key opens.")
            await backoff.pause()  # a rotation came between the two questions
            continue
        made = recover(device, recovery, known, box[1], millis())
        account = guest.account(made.keyring, facts)  # kept first: a device whose keys are lost would be worth nothing
        try:
            await _send(guest, made, device, name)
            facts, _ = await guest.facts()
            account.learn_self(facts)
            return account
        except BaseException as error:
            account.store.close()
            remove_store(guest.path)
            if not (isinstance(error, Refused) and error.code in _MOVED and left):
                raise
            await backoff.pause()
    raise KeysMissing("Other devices keep changing the account's key. Try again in a while.")


async def link_account(
    origin: str, handle: str, password: str, path: str | Path, show: Show, device_name: str
) -> Account:
    """See `Circle.link`. The head of the account's log as the device that answered knew it is kept, to be compared."""
    guest = await enter(origin, handle, password, path)
    try:
        device, key = NewDevice.make(guest.session.me.protocol_id, millis()), new_link_key()
        request, mac = device.request(key)
        await guest.api.devices.offer(link_id(key), request, mac, device_name)
        shown = show(link_words(key), QR + base64.urlsafe_b64encode(key).rstrip(b"=").decode())
        if shown is not None:
            await shown
        body, tag = await _answer(guest, key)
        answer = verify_link_answer(key, request, body, tag)
        facts, known = await guest.facts()
        box = await guest.api.devices.key_box()
        newest = box[1] if box is not None and box[0] == known.key.generation else answer.box
        return guest.account(let_in(device, answer, known, newest), facts, answer.account)
    except BaseException as error:
        await guest.api.transport.close()
        if isinstance(error, ProtocolError):
            raise Untrusted(error.message, error.code) from error
        raise


async def _answer(guest: Guest, key: bytes) -> tuple[bytes, bytes]:
    """Wait for the answer. Raises Refused when nobody gave one in time."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            offer = await guest.api.devices.find_offer(link_id(key))
        except Offline:
            continue
        if offer is None:
            break
        if offer.answer is not None:
            return offer.answer
        await asyncio.sleep(_POLL)
    raise Refused("Nobody let this device in within five minutes.", "LINK_EXPIRED")


async def _send(guest: Guest, made: Recovered, device: NewDevice, name: str) -> None:
    """The same link again gives the first result, so a lost answer changes nothing."""
    backoff = Backoff()
    for left in range(_TRIES, -1, -1):
        try:
            await guest.api.devices.recover(made, device.seal, name)
            return
        except Offline:
            if not left:
                raise
            await backoff.pause()
