"""Accounts through the public door."""

from __future__ import annotations

from tests.support.actors import Actor, b64
from tests.support.server import RunningServer


async def test_the_owner_signs_up_by_the_set_up_link_and_sees_the_own_account(server: RunningServer) -> None:
    person = Actor.make(handle="ada", display_name="Ada Lovelace")
    _, http = await server.owner(person)
    data = await http.data(
        """{
          server { hasOwner name version }
          viewer {
            member {
              handle displayName role protocolId
              chain(first: 10) { nodes { number body signature cosignature } pageInfo { hasNextPage } }
              key { generation body signature }
              devices { protocolId name seal sealSignature }
            }
            device { protocolId }
            session { kind isCurrent label device { name } }
            account { protocolId head events(first: 10) { nodes { seq } } }
            keyBox { generation box device { protocolId } }
          }
        }"""
    )
    assert data["server"]["hasOwner"] is True
    member = data["viewer"]["member"]
    assert (member["handle"], member["displayName"], member["role"]) == ("ada", "Ada Lovelace", "OWNER")
    assert member["protocolId"] == b64(person.member)
    assert member["chain"]["nodes"] == [
        {
            "number": 0,
            "body": b64(person.identity_link.body),
            "signature": b64(person.identity_link.signature),
            "cosignature": b64(person.identity_link.cosignature or b""),
        }
    ]
    assert member["key"]["generation"] == 1
    assert data["viewer"]["device"]["protocolId"] == b64(person.device)
    assert data["viewer"]["account"]["protocolId"] == b64(person.account)
    assert data["viewer"]["account"]["head"] == 1
    assert data["viewer"]["keyBox"]["generation"] == 1
    assert data["viewer"]["session"]["isCurrent"] is True
