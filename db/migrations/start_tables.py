"""Revision 0001, first half: the tables. `db/models` says what each is for; tests hold the two together."""

_DDL = """
CREATE TABLE member (
  id uuid PRIMARY KEY,
  handle varchar NOT NULL UNIQUE,
  display_name varchar NOT NULL,
  role smallint NOT NULL CHECK (role BETWEEN 0 AND 2),
  created_at timestamptz NOT NULL
);
CREATE TABLE credential (
  member_id uuid PRIMARY KEY REFERENCES member,
  salt bytea NOT NULL,
  verifier bytea NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE TABLE device (
  id uuid PRIMARY KEY,
  member_id uuid NOT NULL REFERENCES member,
  dk bytea NOT NULL UNIQUE,
  name varchar NOT NULL,
  active boolean NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz,
  seal_generation bigint NOT NULL,
  sk bytea NOT NULL,
  seal bytea NOT NULL,
  seal_signature bytea NOT NULL
);
CREATE INDEX device_member ON device (member_id);
CREATE TABLE session (
  id uuid PRIMARY KEY,
  member_id uuid NOT NULL REFERENCES member,
  device_id uuid REFERENCES device,
  token_hash bytea NOT NULL UNIQUE,
  kind smallint NOT NULL,
  label varchar NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX session_member ON session (member_id);
CREATE TABLE invite (
  id uuid PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  role smallint NOT NULL CHECK (role BETWEEN 0 AND 2),
  inviter_id uuid REFERENCES member,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  used_by uuid REFERENCES member,
  mac bytea,
  revoked_at timestamptz
);
CREATE INDEX invite_inviter ON invite (inviter_id);
CREATE TABLE attempt (
  key bytea PRIMARY KEY,
  started_at timestamptz NOT NULL,
  count integer NOT NULL
);
CREATE TABLE member_chain (
  member_id uuid PRIMARY KEY REFERENCES member,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  identity bytea NOT NULL,
  rs bytea NOT NULL,
  rx bytea NOT NULL,
  rx_n bigint NOT NULL,
  key_generation bigint NOT NULL,
  key_hash bytea NOT NULL,
  key_living boolean NOT NULL
);
CREATE TABLE member_link (
  member_id uuid NOT NULL REFERENCES member,
  n bigint NOT NULL,
  kind bigint NOT NULL,
  hash bytea NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  cosignature bytea,
  PRIMARY KEY (member_id, n)
);
CREATE TABLE member_key (
  member_id uuid NOT NULL REFERENCES member,
  generation bigint NOT NULL,
  key bytea NOT NULL,
  key_hash bytea NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (member_id, generation)
);
CREATE TABLE member_box (
  member_id uuid NOT NULL REFERENCES member,
  generation bigint NOT NULL,
  device_id uuid NOT NULL,
  box bytea NOT NULL,
  PRIMARY KEY (member_id, generation, device_id)
);
CREATE TABLE space (
  id uuid PRIMARY KEY,
  type smallint NOT NULL CHECK (type BETWEEN 0 AND 4),
  direct_key bytea UNIQUE,
  created_at timestamptz NOT NULL,
  head_seq bigint NOT NULL,
  head_hash bytea NOT NULL,
  last_xid xid8 NOT NULL,
  last_id uuid,
  floor_seq bigint NOT NULL,
  roster_n bigint NOT NULL,
  roster_hash bytea NOT NULL,
  lifetime smallint NOT NULL,
  history smallint NOT NULL CHECK (history BETWEEN 0 AND 1),
  epoch bigint NOT NULL,
  epoch_hash bytea NOT NULL,
  epoch_accepted_at timestamptz,
  epoch_envelopes bigint NOT NULL,
  epoch_due varchar,
  state_seq bigint
) WITH (fillfactor = 50);
CREATE TABLE roster_link (
  space_id uuid NOT NULL REFERENCES space,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (space_id, n)
);
CREATE TABLE roster_member (
  space_id uuid NOT NULL REFERENCES space,
  member_id uuid NOT NULL REFERENCES member,
  identity bytea NOT NULL,
  role smallint NOT NULL CHECK (role BETWEEN 0 AND 3),
  PRIMARY KEY (space_id, member_id)
);
CREATE INDEX roster_member_member ON roster_member (member_id);
CREATE TABLE membership (
  member_id uuid NOT NULL REFERENCES member,
  space_id uuid NOT NULL REFERENCES space,
  joined_seq bigint NOT NULL,
  left_seq bigint CHECK (left_seq >= joined_seq),
  PRIMARY KEY (member_id, space_id, joined_seq)
);
CREATE UNIQUE INDEX membership_present ON membership (space_id, member_id) WHERE left_seq IS NULL;
CREATE TABLE epoch (
  space_id uuid NOT NULL REFERENCES space,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  announcement bytea NOT NULL,
  signature bytea NOT NULL,
  recipients bytea NOT NULL,
  creator_id uuid NOT NULL REFERENCES member,
  accepted_at timestamptz NOT NULL,
  PRIMARY KEY (space_id, n)
);
CREATE TABLE epoch_seal (
  space_id uuid NOT NULL REFERENCES space,
  n bigint NOT NULL,
  member_id uuid NOT NULL REFERENCES member,
  generation bigint NOT NULL,
  seal bytea NOT NULL,
  PRIMARY KEY (space_id, n, member_id)
);
CREATE INDEX epoch_seal_member ON epoch_seal (member_id, space_id);
CREATE TABLE complaint (
  space_id uuid NOT NULL REFERENCES space,
  epoch bigint NOT NULL,
  member_id uuid NOT NULL REFERENCES member,
  hour bigint NOT NULL,
  seal_hash bytea NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (space_id, epoch, member_id, hour)
);
CREATE TABLE epoch_grant (
  id uuid PRIMARY KEY,
  space_id uuid NOT NULL REFERENCES space,
  member_id uuid NOT NULL REFERENCES member,
  giver_id uuid NOT NULL REFERENCES member,
  generation bigint NOT NULL,
  box bytea NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX epoch_grant_member ON epoch_grant (member_id, space_id);
CREATE TABLE event (
  space_id uuid NOT NULL REFERENCES space,
  seq bigint NOT NULL CHECK (seq > 0),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id uuid NOT NULL,
  kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
  actor_id uuid REFERENCES member,
  subject_id uuid REFERENCES member,
  item bytea NOT NULL,
  log_hash bytea NOT NULL,
  body bytea,
  accepted_at timestamptz NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (space_id, seq),
  CONSTRAINT event_space_id_id_key UNIQUE (space_id, id)
);
CREATE INDEX event_xid ON event (xid);
CREATE INDEX event_expires ON event (expires_at) WHERE expires_at IS NOT NULL AND body IS NOT NULL;
CREATE UNLOGGED TABLE log_life (
  only_one boolean PRIMARY KEY CHECK (only_one),
  id uuid NOT NULL DEFAULT gen_random_uuid()
)
"""

# A space whose log is empty exists only inside the transaction that makes it: policies let its maker see and fill it
# then, before there is a membership. This holds everyone to it.
_BEGUN = (
    """
CREATE FUNCTION space_has_begun() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM space WHERE id = NEW.id AND head_seq = 0) THEN
    RAISE EXCEPTION 'a space is made together with the first entry of its log' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER space_has_begun AFTER INSERT ON space DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION space_has_begun()""",
    "REVOKE EXECUTE ON FUNCTION space_has_begun() FROM PUBLIC",
)

TABLES = (
    "member",
    "credential",
    "device",
    "session",
    "invite",
    "attempt",
    "member_chain",
    "member_link",
    "member_key",
    "member_box",
    "space",
    "roster_link",
    "roster_member",
    "membership",
    "epoch",
    "epoch_seal",
    "complaint",
    "epoch_grant",
    "event",
    "log_life",
)

STATEMENTS = (*_DDL.split(";"), *_BEGUN)
