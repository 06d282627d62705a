import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

export const deployFolder = fileURLToPath(new URL('../../deploy/', import.meta.url));
export const readDeployFile = (path: string) => readFileSync(`${deployFolder}${path}`, 'utf8');

export interface Probe {
  httpGet: { path: string; port: string };
  periodSeconds: number;
  failureThreshold: number;
}

export interface Container {
  args: string[];
  env: { name: string; value: string }[];
  envFrom: { secretRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  startupProbe: Probe;
  readinessProbe: Probe;
  livenessProbe: Probe;
  securityContext: unknown;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has a shape of its own, which its schema checks
  spec: any;
}

const folders = ['kubernetes/base/', 'kubernetes/overlays/example/'];

/** All manifests, each with the file it is in; neither kustomizations nor the configuration of Weir. */
export const manifests: { file: string; manifest: Manifest }[] = folders.flatMap((folder) =>
  readdirSync(deployFolder + folder)
    .filter((name) => name.endsWith('.yaml') && !['kustomization.yaml', 'weir.yaml'].includes(name))
    .flatMap((name) =>
      parseAllDocuments(readDeployFile(folder + name), { merge: false }).map((document) => {
        if (document.errors[0]) throw document.errors[0];
        return { file: folder + name, manifest: document.toJS() as Manifest };
      }),
    ),
);

export const ofKind = (kind: string): Manifest[] =>
  manifests.map(({ manifest }) => manifest).filter((manifest) => manifest.kind === kind);

export const containerOf = ({ spec }: Manifest): Container => spec.template.spec.containers[0];

export interface ComposeService {
  image?: string;
  environment?: Record<string, string>;
  stop_grace_period?: string;
  deploy?: { replicas: number };
  volumes?: string[];
  depends_on?: Record<string, unknown>;
}

export const readCompose = (text: string): { services: Record<string, ComposeService> } =>
  parse(text, { merge: true });
