import { GraphiQL } from 'graphiql';
import { useMemo, useState, type ReactElement } from 'react';
import { EXAMPLES } from './examples';
import { connect } from './fetcher';
import styles from './Explorer.module.css';

/** GraphiQL over this server's API, with a field for a token and the examples as first tabs. */
export function Explorer(): ReactElement {
  const connection = useMemo(() => connect(), []);
  const [token, setToken] = useState('');
  const asToken = token.trim() !== '';
  return (
    <div className={styles.page}>
      <header className={styles.bar}>
        <a className={styles.brand} href="/">
          Circle
        </a>
        <label className={styles.token}>
          <span>Token</span>
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            placeholder="Empty: this browser's session"
            value={token}
            onChange={(event) => {
              setToken(event.target.value);
              connection.useToken(event.target.value);
            }}
          />
        </label>
        <output className={styles.as}>{asToken ? 'Requests use the token' : "Requests use this browser's session"}</output>
      </header>
      <main className={styles.explorer}>
        <GraphiQL
          fetcher={connection.fetcher}
          defaultTabs={EXAMPLES}
          defaultQuery={EXAMPLES[0]?.query ?? ''}
          defaultEditorToolsVisibility="variables"
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          isHeadersEditorEnabled={false}
        >
          <GraphiQL.Logo>
            <span className={styles.logo}>GraphiQL</span>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </div>
  );
}
