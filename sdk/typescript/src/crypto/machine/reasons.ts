/** Why a message cannot be shown, in plain words. */
export const REASONS = {
  noKey: "This device can't read this message.",
  beforeJoining: 'This was written before you joined.',
  changed: 'This message was changed on the way and was refused.',
  twice: 'This message came a second time and was refused.',
  late: 'This message was sent with keys that were no longer valid and was refused.',
  stranger: 'This message does not come from whom it says and was refused.',
  notAllowed: 'This message was sent by someone who may not do that here and was refused.',
  fork: 'This message speaks of another history of the conversation and was refused.',
  leftOut: 'Whoever made the keys for this message left this device out.',
  newer: 'This message was made by a newer version of Circle.',
} as const;

export const ALARMS = {
  fork: "The server's record of this conversation does not fit what this device has seen. Nothing more is sent from here.",
  older: 'The server shows an older state of this conversation than before. Nothing more is sent from here.',
  seal: 'The server handed this device a wrong key for this conversation. Nothing more is sent from here.',
  roster: 'The list of members was changed in a way that this device cannot accept. Nothing more is sent from here.',
  unverified: 'This device cannot verify who is in this conversation. Nothing is sent from here.',
  withheld: 'The server withholds a message that has not expired. Nothing more is sent from here.',
  omitted: 'The server no longer shows this conversation, although nobody removed you. Nothing more is sent from here.',
  moved: 'A message of yours is not where the server said. Nothing more is sent from here.',
} as const;
