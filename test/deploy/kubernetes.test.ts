import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SETTINGS, SETTING_KEYS, flagOf, optionOf, variableOf } from '../../src/config-table.ts';
import { isClustered, loadSettings } from '../../src/config.ts';
import { read } from '../house/project-files.ts';

const page = read('docs/deploy.md');
const block = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
const documents = parseAllDocuments(block);

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector?: unknown;
    readonly serviceName?: string;
    readonly podSelector?: unknown;
    readonly template?: { readonly metadata: { readonly labels: unknown }; readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string }; readonly spec: { readonly accessModes: readonly string[] } }[];
  };
}

interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
  readonly securityContext: { readonly runAsUser: number };
}

const manifests = documents.map((document) => document.toJS() as Manifest);
const stateful = manifests.find(({ kind }) => kind === 'StatefulSet');
const pod = stateful?.spec.template?.spec as PodSpec;
const container = pod.containers[0];
const secret = manifests.find(({ kind }) => kind === 'Secret');

/** Flags and variables as the pod gets them, with the secret's file. */
function settingsOfPod() {
  const words = container.args.slice(1);
  const flags = Object.fromEntries(words.flatMap((word, at) => (word.startsWith('--') ? [[optionOf(word.slice(2)), words[at + 1]]] : [])));
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value?.replace('$(POD_IP)', '10.0.0.1')]));
  return loadSettings({ flags, env, file: JSON.parse(secret?.stringData?.['mayfly.json'] ?? '') as Record<string, unknown> }).settings;
}

describe('the Kubernetes manifests of docs/deploy.md', () => {
  it('are well-formed, and all that is needed', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(manifests.map(({ kind }) => kind)).toEqual(['Secret', 'Service', 'Service', 'StatefulSet', 'PodDisruptionBudget', 'NetworkPolicy']);
    expect(manifests.every(({ apiVersion }) => /^([a-z.0-9]+\/)?v1$/.test(apiVersion))).toBe(true);
  });

  it('name flags and variables that exist, with values that a node of a cluster accepts', () => {
    const flags = new Set(SETTING_KEYS.map((key) => flagOf(SETTINGS[key].name)));
    const variables = new Set([...SETTING_KEYS.map((key) => variableOf(SETTINGS[key].name)), 'MAYFLY_CONFIG']);
    expect(container.args.filter((word) => word.startsWith('--') && !flags.has(word))).toEqual([]);
    expect(container.env.map(({ name }) => name).filter((name) => name.startsWith('MAYFLY_') && !variables.has(name))).toEqual([]);
    const settings = settingsOfPod();
    expect(isClustered(settings)).toBe(true);
    expect(settings.tokens).toHaveLength(2);
    expect(settings.advertise).toBe('http://10.0.0.1:7464');
  });

  it('give a pod longer to stop than it waits, drains and drops', () => {
    const waits = Number(container.lifecycle.preStop.exec.command[1]);
    expect(waits).toBeGreaterThan(0);
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(waits * 1_000 + settingsOfPod().drainMs + 10_000);
  });

  it('keep what Kubernetes would inject away, ask for life and readiness where they are told, and mount what there is', () => {
    expect(pod.enableServiceLinks).toBe(false);
    const paths = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(({ httpGet }) => [httpGet.path, httpGet.port]);
    expect(paths).toEqual([
      ['/healthz', 'http'],
      ['/healthz', 'http'],
      ['/readyz', 'http'],
    ]);
    expect(container.ports).toEqual([{ name: 'http', containerPort: settingsOfPod().port }]);
    const claims = stateful?.spec.volumeClaimTemplates ?? [];
    const held = [...pod.volumes, ...claims.map(({ metadata }) => metadata)].map(({ name }) => name);
    expect(new Set(container.volumeMounts.map(({ name }) => name))).toEqual(new Set(held));
    expect(pod.volumes.find((volume) => volume.secret !== undefined)?.secret?.secretName).toBe(secret?.metadata.name);
    expect(claims.map(({ spec }) => spec.accessModes)).toEqual([['ReadWriteOncePod']]);
  });

  it('select the same pods everywhere, and the headless service gives them their names', () => {
    const labels = { app: 'mayfly' };
    expect(stateful?.spec.template?.metadata.labels).toEqual(labels);
    for (const { kind, spec } of manifests) {
      if (kind === 'Service') expect(spec.selector).toEqual(labels);
      if (kind === 'StatefulSet' || kind === 'PodDisruptionBudget') expect(spec.selector).toEqual({ matchLabels: labels });
      if (kind === 'NetworkPolicy') expect(spec.podSelector).toEqual({ matchLabels: labels });
    }
    expect(manifests.find(({ metadata }) => metadata.name === stateful?.spec.serviceName)).toMatchObject({ kind: 'Service', spec: { clusterIP: 'None' } });
  });

  it('run the image as the user it was made for, in the version of the package', () => {
    expect(read('Dockerfile')).toContain(`USER ${pod.securityContext.runAsUser}:`);
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(container.image.endsWith(`/mayfly:${version}`)).toBe(true);
  });
});

describe('docs/deploy.md', () => {
  /** Options of other programs that the page names. */
  const OTHERS = new Set(['--force']);

  it('names settings that exist, and defaults as they are', () => {
    const flags = new Map(SETTING_KEYS.map((key) => [flagOf(SETTINGS[key].name), SETTINGS[key]]));
    const named = [...page.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag ?? '').filter((flag) => !OTHERS.has(flag));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((flag) => !flags.has(flag))).toEqual([]);
    const rows = [...page.matchAll(/^\| `(--[a-z-]+)` ([\d.]+ ?[a-z]*) +\|/gm)];
    expect(rows.length).toBeGreaterThan(6);
    for (const [, flag = '', shown = ''] of rows) {
      const spec = flags.get(flag);
      expect(spec?.parse(shown.replace(' ', ''), flag), flag).toBe(spec?.default);
    }
  });
});
