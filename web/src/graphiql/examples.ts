/** The operations a first visitor finds, one tab each; every one runs as it stands once signed in. */
export const EXAMPLES: { query: string; variables?: string }[] = [
  {
    query: `# Welcome to Circle's API.
#
# You are signed in as this browser is,
# or with the token pasted above.
# Envelopes are sealed on members' devices:
# the server stores them and can't read them.

query Me {
  server { name version }
  viewer {
    member { handle displayName role }
    device { name }
    session { kind expiresAt }
  }
}
`,
  },
  {
    query: `# Conversations, newest activity first.

query Conversations {
  viewer {
    conversations(first: 20) {
      nodes {
        id
        type
        head
        viewerRole
        members(first: 10) { nodes { role member { handle displayName } } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`,
  },
  {
    query: `# The newest entries of one conversation.
# Paste an id from 'Conversations' below.

query History($conversation: ID!) {
  conversation(id: $conversation) {
    events(last: 20) {
      nodes { __typename seq acceptedAt item ... on EnvelopeEvent { envelope } }
      pageInfo { hasPreviousPage startCursor }
    }
  }
}
`,
    variables: '{ "conversation": "" }',
  },
  {
    query: `# All that happens in your conversations, live.
# Keep the newest cursor: with 'after' the stream
# goes on exactly where you stopped.

subscription Live($after: Cursor) {
  events(after: $after) {
    __typename
    ... on CaughtUp { cursor }
    ... on ResyncRequired { message }
    ... on EventDelivery {
      cursor
      event { __typename seq acceptedAt space { id } }
    }
  }
}
`,
  },
];
