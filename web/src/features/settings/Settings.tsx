import { Navigate, Route, Routes } from 'react-router';
import { Section } from '../../ui';
import { DeviceList, RecoverySettings } from '../devices';
import { SessionList } from '../identity';
import { Lock } from './Lock';
import { Overview } from './Overview';
import { Privacy } from './Privacy';
import { SettingsPage } from './SettingsPage';

/** Everything below `/settings`. */
export function Settings() {
  return (
    <Routes>
      <Route index element={<Overview />} />
      <Route path="devices" element={<Devices />} />
      <Route path="recovery-key" element={<RecoverySettings frame={SettingsPage} />} />
      <Route path="privacy" element={<Privacy />} />
      <Route path="lock" element={<Lock />} />
      <Route path="*" element={<Navigate to="/settings" replace />} />
    </Routes>
  );
}

function Devices() {
  return (
    <SettingsPage title="Devices" lead="Each of these can read your messages. Remove what you no longer have.">
      <DeviceList />
      <Section title="Sessions" lead="Where you are signed in. Signing out ends the session; the device keeps its keys, locked, until you remove it.">
        <SessionList />
      </Section>
    </SettingsPage>
  );
}
