import type { CodegenConfig } from '@graphql-codegen/cli';

/** Writes the types of the API and the client's operations from the committed schema. */
const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: 'src/operations/*.graphql',
  generates: {
    'src/gql/generated/index.ts': {
      plugins: ['typescript', 'typescript-operations', 'typed-document-node'],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        avoidOptionals: false,
        skipTypename: false,
        nonOptionalTypename: true,
        dedupeFragments: true,
        onlyOperationTypes: true,
        strictScalars: true,
        scalars: { DateTime: 'string', Base64Bytes: 'string', Cursor: 'string' },
      },
    },
  },
};

export default config;
