/**
 * Limit for keeping an entry whole: parked items are meant to be read, and a PostgreSQL value is limited to 1
 * GB.
 */
const longestEntry = 16 * 1024 * 1024;
const bytesOfLongPart = 65_536;

/**
 * Encodes a JSON array of alternating names and values. Non-UTF-8 values become {"base64": …}, and truncated
 * ones {"base64": …, "bytes": original size}.
 */
export function encodeOriginal(parts: readonly Buffer[]): Buffer {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let left = longestEntry;
  return Buffer.from(
    JSON.stringify(
      parts.map((bytes) => {
        if (bytes.length > left) {
          return {
            base64: bytes.toString('base64', 0, Math.min(bytesOfLongPart, left)),
            bytes: bytes.length,
          };
        }
        left -= bytes.length;
        try {
          return decoder.decode(bytes);
        } catch {
          return { base64: bytes.toString('base64') };
        }
      }),
    ),
  );
}
