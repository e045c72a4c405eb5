/** The operations a first visitor finds, one tab each; every one runs as it stands once signed in. */
export const EXAMPLES: { query: string; variables?: string }[] = [
  {
    query: `# Welcome to Circle's API.
#
# You are signed in with this browser's session, or with the token pasted above.
# What you see in 'body', 'envelope' and 'announcement' is sealed or signed on members'
# devices: the server stores it and cannot read it.

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
    query: `# Conversations, newest activity first, with who is in them.

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
    query: `# The newest entries of one conversation's log. Paste an id from 'Conversations'.

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
    query: `# Everything that happens in your conversations, live. Keep the newest cursor:
# with 'after' the stream continues exactly where you stopped, with nothing lost or doubled.

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
