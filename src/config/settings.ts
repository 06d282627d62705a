import { dataSettings } from './sections/data.ts';
import {
  auditSettings,
  cleaningSettings,
  orderSettings,
  outboxSettings,
  overdueSettings,
  seckillSettings,
} from './sections/flow.ts';
import { resourceSettings } from './sections/resource.ts';
import { saleSettings } from './sections/sale.ts';
import { demoSettings, logSettings, metricsSettings, serverSettings } from './sections/server.ts';
import type { Setting } from './setting.ts';

export type { Role } from './sections/server.ts';

/**
 * Every setting. A path in this tree is the key in the file, the environment variable and the property of
 * Config; `weir doctor --settings` and docs/configuration.md are generated from it.
 */
export const settings = {
  server: serverSettings,
  demo: demoSettings,
  log: logSettings,
  metrics: metricsSettings,
  data: dataSettings,
  seckill: seckillSettings,
  outbox: outboxSettings,
  sale: saleSettings,
  orders: orderSettings,
  overdue: overdueSettings,
  audit: auditSettings,
  cleaning: cleaningSettings,
  resource: resourceSettings,
};

type Values<Tree> = { [Name in keyof Tree]: Tree[Name] extends Setting<infer T> ? T : Values<Tree[Name]> };
export type Config = Values<typeof settings>;

interface Leaf {
  /** Such as `server.http.addr`. */
  key: string;
  setting: Setting<unknown>;
}

/** In the order of the tree. */
export const allSettings: readonly Leaf[] = [...listLeaves(settings, '')];

export function getSetting(key: string): Setting<unknown> {
  const leaf = allSettings.find((candidate) => candidate.key === key);
  if (!leaf) throw new Error(`there is no setting ${key}`);
  return leaf.setting;
}

export function valueAt(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((tree, name) => (tree as Record<string, unknown>)[name], config);
}

/** Builds a tree of the same shape. */
export function mapSettings(value: (leaf: Leaf) => unknown): Config {
  const config = {};
  for (const leaf of allSettings) setAt(config, leaf.key.split('.'), value(leaf));
  return config as Config;
}

function* listLeaves(tree: object, path: string): Generator<Leaf> {
  for (const [name, inner] of Object.entries(tree)) {
    const key = path === '' ? name : `${path}.${name}`;
    if ('parse' in inner) yield { key, setting: inner };
    else yield* listLeaves(inner, key);
  }
}

function setAt(tree: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  tree[name] ??= {};
  setAt(tree[name] as Record<string, unknown>, rest, value);
}
