import type { DeviceLabel } from './deviceApi';

/** What this session and device are called: the browser and the system, in words; elsewhere than in a browser, the client. */
export function deviceLabel(): DeviceLabel {
  const agent = 'navigator' in globalThis ? navigator.userAgent : '';
  const browser = /Edg\//.exec(agent) ? 'Edge' : /Firefox\//.exec(agent) ? 'Firefox' : /Chrom(e|ium)\//.exec(agent) ? 'Chrome' : /Safari\//.exec(agent) ? 'Safari' : null;
  const system = /Android/.exec(agent) ? 'Android' : /iPhone|iPad/.exec(agent) ? 'iOS' : /Windows/.exec(agent) ? 'Windows' : /Mac OS/.exec(agent) ? 'macOS' : /Linux/.exec(agent) ? 'Linux' : null;
  if (browser === null) return { name: 'Circle client', platform: null };
  const name = system === null ? browser : `${browser} on ${system}`;
  return { name, platform: name };
}
