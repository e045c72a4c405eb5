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
        // Only where a document asks for it: a type that promises more than the answer holds is never true.
        skipTypename: true,
        dedupeFragments: true,
        onlyOperationTypes: true,
        strictScalars: true,
        scalars: { DateTime: 'string', Base64Bytes: 'string', Cursor: 'string' },
      },
    },
  },
};

export default config;
