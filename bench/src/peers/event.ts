import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EventSchema } from '../../../test/wire/weir/v1/event_pb.ts';

/** The products row as `pg` returns it: bigint as text. */
export interface ProductRow {
  readonly name: string;
  readonly cpus: number;
  readonly memory_mb: number;
  readonly gpu: number;
  readonly image: string;
}

/** Encoded with the code generated from the repository's own schema, as a TypeScript service would. */
export function encodeEvent(instanceId: bigint, userId: bigint, product: ProductRow): Buffer {
  const bytes = toBinary(
    EventSchema,
    create(EventSchema, {
      eventType: 'INSTANCE_CREATED',
      instanceId,
      userId: formatUserId(userId),
      name: `${product.name}-${instanceId}`,
      spec: { cpus: product.cpus, memoryMb: product.memory_mb, gpu: product.gpu, image: product.image },
      timestamp: timestampFromMs(Date.now()),
    }),
  );
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Sufficient for the bench's small user ids; Weir's own covers all 63 bits.
function formatUserId(userId: bigint): string {
  return `00000000-0000-8000-8000-${userId.toString(16).padStart(12, '0')}`;
}
