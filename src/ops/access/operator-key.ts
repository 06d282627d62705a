import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Actor } from '../../core/actor.ts';
import type { Scope } from './scope.ts';

/** A key's metadata; the key itself is not stored. */
export interface OperatorKey {
  id: string;
  name: string;
  scope: Scope;
  createdAt: Date;
  createdBy: string;
  /** Accurate to about a minute. */
  lastUsedAt: Date | undefined;
  expiresAt: Date | undefined;
  revokedAt: Date | undefined;
  revokedBy: string | undefined;
}

export interface NewOperatorKey {
  name: string;
  scope: Scope;
  expiresAt: Date | undefined;
  digest: Buffer;
}

export interface OperatorKeyStore {
  /** @throws WeirError KEY_CONFLICT when a key in force has this name, KEY_LIMIT when there are too many */
  addKey(key: NewOperatorKey, actor: Actor): Promise<OperatorKey>;
  /** Newest first. */
  listKeys(): Promise<OperatorKey[]>;
  /** Ends its sessions as well. @returns the key, also when it had been revoked before; undefined: no such key */
  revokeKey(id: string, actor: Actor): Promise<OperatorKey | undefined>;
}

/** Every process caches all keys; a larger number is a mistake. */
export const maxKeys = 1000;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 43;
const checksumLength = 6;
const form = new RegExp(`^weir_(?:read|act|admin)_[0-9A-Za-z]{${secretLength + checksumLength}}$`);

/**
 * Creates `weir_act_` plus 256 random bits and a CRC-32, in base 62. Secret scanners find it by a regular
 * expression and verify the checksum; a double click selects all of it.
 */
export function createOperatorKey(scope: Scope): string {
  const random = BigInt(`0x${randomBytes(32).toString('hex')}`);
  const begin = `weir_${scope}_${toBase62(random, secretLength)}`;
  return begin + checksumOf(begin);
}

/** Whether `createOperatorKey` can have created this text; other texts need no lookup. */
export function hasKeyForm(text: string): boolean {
  return form.test(text) && checksumOf(text.slice(0, -checksumLength)) === text.slice(-checksumLength);
}

/** Creates a session cookie's value: 256 random bits in base64url. */
export function createSessionId(): string {
  return randomBytes(32).toString('base64url');
}

export function hasSessionForm(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/**
 * A plain SHA-256: slow hashes protect passwords that can be guessed; 256 random bits cannot, and every
 * request would pay for it.
 */
export function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

function checksumOf(text: string): string {
  return toBase62(BigInt(crc32(text)), checksumLength);
}

function toBase62(number: bigint, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}
