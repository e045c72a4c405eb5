"""Where a member's client comes from: signing up, signing in, opening a store."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circle_client.engine.api import Api
from circle_client.engine.engine import millis
from circle_client.engine.kept import StoredPast
from circle_client.errors import (
    DeviceRevoked,
    InvalidInput,
    KeysMissing,
    Offline,
    Refused,
    RevocationUnproven,
    SignedOut,
    StoreError,
    Untrusted,
    WrongPassword,
)
from circle_client.gql.enums import SessionKind
from circle_client.gql.input_types import BoxInput, MemberLinkInput, SignedInput, SignInInput, SignUpInput
from circle_client.machine.enrol import is_revoked
from circle_client.machine.machine import Machine
from circle_client.machine.people import MemberFacts, Trust
from circle_client.machine.signup import SignUpBundle, make_sign_up
from circle_client.protocol.errors import ProtocolError
from circle_client.protocol.invite import InviteLink, check_invite_mac, parse_fragment
from circle_client.protocol.password import PasswordRoot, password_root
from circle_client.protocol.structures import Signed
from circle_client.store import Lock, Store
from circle_client.transport import Backoff, Transport
from circle_client.types import Person

log = logging.getLogger("circle_client")

_HANDLE = re.compile(r"[a-z0-9][a-z0-9_.-]{1,31}")
_PASSWORD = 10
_ME = "me"
UNKNOWN_DEVICE = (
    "The server does not know this device as one of your account, and does not prove that you removed it. What is here "
    "stays readable. If the server was restored from a backup: link this device again, or come in with your recovery "
    "key, with a new store."
)


@dataclass(slots=True)
class Account:
    """An opened account: everything that a running client is made of."""

    api: Api
    store: Store
    past: StoredPast
    machine: Machine
    me: Person
    account_node: str
    account_space: bytes
    auth_key: bytes
    words: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self.api.transport.is_revoked = self._is_revoked

    def _is_revoked(self, body: bytes, signature: bytes) -> bool:
        return is_revoked(self.machine.keyring, self.machine.people.chain(self.machine.me), body, signature)

    def keep_session(self, token: str, node: str) -> None:
        """Take a new session's token into transport and store."""
        self.api.transport.token, self.account_node = token, node
        with self.store.transaction():
            self.store.put(_ME, b"", self.dump())
            self.machine.flush(self.store.put)

    def learn_self(self, facts: MemberFacts) -> None:
        """Verify and keep the own chain and key as they are now. Raises Untrusted, Forked."""
        self.machine.learn(facts)
        with self.store.transaction():
            self.machine.flush(self.store.put)

    def dump(self) -> dict[str, Any]:
        """The account's record."""
        return {
            "token": self.api.transport.token,
            "id": self.me.id,
            "handle": self.me.handle,
            "name": self.me.display_name,
            "account": [self.account_node, self.account_space],
        }

    async def sign_in_again(self) -> None:
        """A new session for this device. Raises SignedOut where the password is no longer the account's, DeviceRevoked
        where another device has ended this one, which is proven, and the store is wiped; RevocationUnproven where the
        server says so without proof, and gives no new session.
        """
        keys, why = self.machine.keyring, await self._why()
        input = SignInInput(
            handle=self.me.handle, authKey=self.auth_key, device=keys.device, session=SessionKind.BEARER, label="Python"
        )
        self.api.transport.token = None
        try:
            found = await self.api.sign_in(input)
        except DeviceRevoked:
            self.store.wipe()
            raise
        except Refused as error:
            raise (why or SignedOut(UNKNOWN_DEVICE if error.code == "STALE_DEVICE" else error.message)) from error
        if found.me.protocol_id != keys.member:
            raise Untrusted("The server signed in somebody else by this handle.")
        self.me = found.me
        self.keep_session(found.token, found.node)

    async def _why(self) -> RevocationUnproven | None:
        """What the server says without proof of why the session is over. Raises DeviceRevoked where that is proven."""
        if self.api.transport.token is None:
            return None
        try:
            await self.api.greet()
        except DeviceRevoked:
            self.store.wipe()
            raise
        except RevocationUnproven as error:
            log.warning("the server says that this device was removed, and cannot prove it")
            return error
        except SignedOut:
            pass
        return None

    # ---- invites

    async def create_invite(self, hours: int) -> str:
        """A join link that pins both sides (e2ee.md section 12). Raises Refused."""
        known = self.machine.people.chain(self.machine.me)
        link = InviteLink(secrets.token_bytes(16), secrets.token_bytes(32), known.identity)
        token_hash = hashlib.sha256(link.token).digest()
        with self.store.transaction():
            made = {"token": link.token, "secret": link.secret, "id": known.identity}
            self.store.put("invite", token_hash, {**made, "until": millis() + (hours + 24) * 3_600_000})
        try:
            await self.api.create_invite(token_hash, hours)
        except Refused:
            with self.store.transaction():
                self.store.remove("invite", token_hash)
            raise
        return f"{self.api.transport.origin}/join#{link.fragment()}"

    async def check_invites(self) -> None:
        """Hold the newcomers of own invites against the MACs that they sent, and pin them."""
        made_ones = self.store.all("invite")
        over = [key for key, made in made_ones if made["until"] < millis()]
        with self.store.transaction():
            for key in over:
                self.store.remove("invite", key)
        open_ = {key: made for key, made in made_ones if key not in over}
        if not open_:
            return
        for token_hash, mac, member in await self.api.invite_uses():
            made = open_.get(token_hash)
            if made is None:
                continue
            for facts in await self.api.members([member]):
                try:
                    self.machine.learn(facts)
                except Untrusted as error:
                    log.warning("a newcomer's keys were refused: %s", error.code)
            known = self.machine.people.get(member)
            if known is None:
                continue
            first = known.chain.identities[0][1]
            try:
                check_invite_mac(made["secret"], made["token"], made["id"], first, mac)
                self.machine.people.pin(member, first)
            except ProtocolError:
                self.machine.people.pin(member, bytes(32))  # no ID is that: nothing is sealed to this member
            with self.store.transaction():
                self.store.remove("invite", token_hash)
                self.machine.flush(self.store.put)


def clean_handle(handle: str) -> str:
    """NFKC, lower case. Raises InvalidInput."""
    handle = unicodedata.normalize("NFKC", handle).lower().removeprefix("@")
    if not _HANDLE.fullmatch(handle):
        raise InvalidInput("A handle has 2 to 32 of the characters a-z, 0-9, _ . - and begins with a letter or digit.")
    return handle


def parse_link(link: str) -> InviteLink:
    """The secret part of a join link, or of its fragment alone. Raises InvalidInput."""
    try:
        return parse_fragment(link.strip().rpartition("#")[2])
    except ProtocolError as error:
        raise InvalidInput(error.message) from error


async def stretch(password: str, salt: bytes, memory_kib: int, iterations: int, lanes: int) -> PasswordRoot:
    """root from a password, off the event loop. Raises Untrusted where the parameters are too weak."""
    try:
        return await asyncio.to_thread(password_root, password, salt, memory_kib, iterations, lanes)
    except ProtocolError as error:
        raise Untrusted(error.message) from error


async def sign_up(
    origin: str, link: str, handle: str, display_name: str, password: str, path: str | Path, device_name: str
) -> Account:
    """See `Circle.sign_up`."""
    invite, handle, display_name = parse_link(link), clean_handle(handle), display_name.strip()
    if not 1 <= len(display_name) <= 80:
        raise InvalidInput("A name has 1 to 80 characters.")
    if len(password) < _PASSWORD:
        raise InvalidInput("A password has at least 10 characters.")
    if Store.exists(path):
        raise StoreError("There is a file by that name already.")
    api = Api(Transport(origin))
    try:
        parameters = await api.password_parameters(handle)
        root = await stretch(password, *parameters)
        inviter = await api.inviter(invite.token) if invite.inviter is not None else None
        bundle = make_sign_up(invite, millis())
        keys = bundle.keyring
        lock = Lock(handle, keys.member, keys.device, *parameters)
        store = Store.create(path, lock, root.unlock_key(keys.member, keys.device))
        try:
            # The person's node id is the server's to give; until then the member has none.
            draft = Person("", keys.member, handle, display_name)
            past = StoredPast(store)
            machine = Machine.signed_up(bundle, draft, past)
            account = Account(api, store, past, machine, draft, "", bundle.account_space, root.auth_key(), bundle.words)
            with store.transaction():  # keys first: an account whose keys are lost would be worth nothing
                store.put(_ME, b"", account.dump())
                machine.flush(store.put)
            await _register(account, bundle, invite, device_name)
            await _pin_inviter(account, invite, inviter)
            await _keep_self(account)
        except BaseException:
            store.close()
            if not account.account_node:  # the server has not taken it
                remove_store(path)
            raise
    except BaseException:
        await api.transport.close()
        raise
    return account


def remove_store(path: str | Path) -> None:
    """Remove a closed store's files."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _signed(signed: Signed) -> SignedInput:
    return SignedInput(body=signed.body, signature=signed.signature)


async def _register(account: Account, bundle: SignUpBundle, invite: InviteLink, device_name: str) -> None:
    identity = bundle.identity
    input = SignUpInput(
        invite=invite.token,
        mac=bundle.mac,
        handle=account.me.handle,
        displayName=account.me.display_name,
        authKey=account.auth_key,
        identity=MemberLinkInput(body=identity.body, signature=identity.signature, cosignature=identity.cosignature),
        deviceSeal=_signed(bundle.device_seal),
        deviceName=device_name,
        memberKey=_signed(bundle.member_key),
        boxes=[BoxInput(device=one.device, box=one.box, seal=one.seal) for one in bundle.boxes],
        account=_signed(bundle.account),
        session=SessionKind.BEARER,
    )
    unsure, backoff = False, Backoff()
    for left in range(8, -1, -1):
        try:
            found = await account.api.sign_up(input)
            account.me = found.me
            account.keep_session(found.token, found.node)
            return
        except Offline:
            unsure = True
            if not left:
                raise
            await backoff.pause()
        except Refused as error:
            if not (unsure and error.code in {"INVITE_USED", "HANDLE_TAKEN", "ID_TAKEN"}):
                raise
            try:  # the try whose answer was lost may have gone through
                await account.sign_in_again()
                return
            except SignedOut:
                raise error from None


async def _pin_inviter(account: Account, invite: InviteLink, inviter: Person | None) -> None:
    if invite.inviter is None or inviter is None:
        return
    account.machine.people.pin(inviter.protocol_id, invite.inviter)
    for facts in await account.api.members([inviter.protocol_id]):
        if account.machine.learn(facts).trust is Trust.CONTRADICTED:
            log.warning("the server shows other keys for the inviter than the invite names: nothing is sealed to them")


async def _keep_self(account: Account) -> None:
    """Take one's own public side as the server shows it, and keep everything."""
    for facts in await account.api.members([account.machine.me]):
        account.machine.learn(facts)
    with account.store.transaction():
        account.store.put(_ME, b"", account.dump())
        account.machine.flush(account.store.put)


async def open_account(origin: str, path: str | Path, password: str) -> Account:
    """See `Circle.open`. Raises StoreError, WrongPassword."""
    lock = Store.read_lock(path)
    root = await stretch(password, lock.salt, lock.memory_kib, lock.iterations, lock.lanes)
    store = Store.open(path, root.unlock_key(lock.member, lock.device))
    try:
        store_time = millis()
        with store.transaction():
            store.erase_expired(store_time)  # before anything is shown
        record, keyring = store.get(_ME, b""), store.get("keyring", b"")
        if record is None or keyring is None:
            raise StoreError("The store holds no account.")
        areas = (store.all(area) for area in ("person", "space", "log", "epoch"))
        people, spaces, logs, epochs = areas
        past = StoredPast(store)
        machine = Machine.load(
            keyring, people, spaces, logs, epochs, store.get("book", b""), past, store.all("reading")
        )
        with store.transaction():
            machine.erase_expired(store_time)
            machine.flush(store.put)
        store.leave_nothing()
        transport = Transport(origin)
        transport.token = record["token"]
        me = Person(record["id"], machine.me, record["handle"], record["name"])
        node, space = record["account"]
        return Account(Api(transport), store, past, machine, me, node, space, root.auth_key())
    except BaseException:
        store.close()
        raise


async def sign_in(origin: str, handle: str, password: str, path: str | Path) -> Account:
    """See `Circle.sign_in`. Raises KeysMissing, WrongPassword, Offline."""
    if not Store.exists(path):
        raise KeysMissing("This device does not hold the account's keys. Open the store that signing up made.")
    if Store.read_lock(path).handle != clean_handle(handle):
        raise KeysMissing("The store is another account's.")
    account = await open_account(origin, path, password)
    try:
        await account.sign_in_again()
        return account
    except BaseException as error:
        account.store.close()
        await account.api.transport.close()
        if isinstance(error, SignedOut) and not isinstance(error, DeviceRevoked | RevocationUnproven):
            raise WrongPassword(error.message) from error
        raise
