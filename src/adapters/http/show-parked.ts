import type { Static } from 'typebox';
import type { ParkedShape } from '../../api/parked-shapes.ts';
import { docsOf, type ParkedItem } from '../../core/parked/parked-item.ts';
import { adviceForParked } from '../../errors.ts';
import { toStatement } from './answers.ts';

export function showParked(item: ParkedItem): Static<typeof ParkedShape> {
  const {
    id,
    origin,
    reason,
    detail,
    params,
    source,
    scope,
    sourceId,
    parkedAt,
    state,
    attempts,
    ...resolved
  } = item;
  const { resolvedAt, resolvedBy, resolution, instanceId, jobId } = resolved;
  return {
    ...{ id, origin, reason, detail, params, source, scope, sourceId, state, attempts },
    parkedAt: parkedAt.toISOString(),
    resolvedAt: resolvedAt?.toISOString() ?? null,
    ...{ resolvedBy, resolution: resolution && toStatement(resolution), instanceId, jobId },
    ...{ advice: adviceForParked(reason), docs: docsOf(reason) },
  };
}

/** As Base64, and as text where the bytes are UTF-8. */
export function showOriginal(original: Buffer): { original: string; originalText: string | null } {
  const text = original.toString();
  const isText = Buffer.from(text).equals(original);
  return { original: original.toString('base64'), originalText: isText ? text : null };
}
