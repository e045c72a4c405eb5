"""Revision 0002, first half: the tables and columns. `db/models` says what each is for."""

_DDL = """
ALTER TABLE member_key ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE session ADD COLUMN ended_by_link bigint;
ALTER TABLE event ADD COLUMN epoch bigint, ADD COLUMN lifetime smallint;
CREATE INDEX event_living ON event (space_id, epoch, lifetime) WHERE lifetime > 0 AND body IS NOT NULL;
CREATE INDEX event_stub ON event (accepted_at) WHERE expires_at IS NOT NULL AND body IS NULL;
ALTER TABLE member_chain ADD CONSTRAINT member_chain_member_id_key_generation_key UNIQUE (member_id, key_generation);
ALTER TABLE epoch_seal ADD CONSTRAINT epoch_seal_current_key
  FOREIGN KEY (member_id, generation) REFERENCES member_chain (member_id, key_generation);
ALTER TABLE epoch_grant ADD CONSTRAINT epoch_grant_current_key
  FOREIGN KEY (member_id, generation) REFERENCES member_chain (member_id, key_generation);
CREATE TABLE device_offer (
  member_id uuid NOT NULL REFERENCES member,
  link_id bytea NOT NULL,
  session_id uuid NOT NULL REFERENCES session,
  request bytea NOT NULL,
  mac bytea NOT NULL,
  device_name varchar NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  answer bytea,
  answer_mac bytea,
  PRIMARY KEY (member_id, link_id)
);
CREATE INDEX device_offer_expires ON device_offer (expires_at);
CREATE TABLE member_wrap (
  member_id uuid NOT NULL REFERENCES member,
  space_id uuid NOT NULL,
  epoch bigint NOT NULL,
  branch smallint NOT NULL CHECK (branch BETWEEN 0 AND 6),
  generation bigint NOT NULL,
  wrap bytea NOT NULL,
  erase_at timestamptz,
  PRIMARY KEY (member_id, space_id, epoch, branch),
  CONSTRAINT member_wrap_epoch FOREIGN KEY (space_id, epoch) REFERENCES epoch (space_id, n)
);
CREATE INDEX member_wrap_open ON member_wrap (space_id, epoch) WHERE branch > 0 AND erase_at IS NULL;
CREATE INDEX member_wrap_erase ON member_wrap (erase_at) WHERE erase_at IS NOT NULL;
CREATE TABLE archive_wrap (
  member_id uuid NOT NULL REFERENCES member,
  generation bigint NOT NULL,
  wrap bytea NOT NULL,
  PRIMARY KEY (member_id, generation)
)
"""

TABLES = ("device_offer", "member_wrap", "archive_wrap")

STATEMENTS = tuple(_DDL.split(";"))
